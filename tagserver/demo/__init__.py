"""The demo: a small shop whose page shows, for every push, what was sent, what was withheld and why."""
