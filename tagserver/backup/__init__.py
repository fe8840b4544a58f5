"""Backups of a data folder: one file that is made while the server runs, what is written beside it, and the way
back."""
