"""Events in the shape of another product, posted to our own door: one file a family, and in `table` by which key each
is known."""
