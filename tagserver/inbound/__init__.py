"""What comes in: the data-layer client, what the request says, and who sends it."""
