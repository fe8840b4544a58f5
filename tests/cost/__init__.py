"""What a hostile text may cost: a regular expression, a function, a whole request."""
