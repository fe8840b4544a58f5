"""What is the SQLite engine's own: its files, their size, damage, what is left after an erasure, several threads."""
