"""One event as a story: what came, what each tag did and why, what vendors answered, and what can be made of it."""
