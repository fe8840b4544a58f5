"""Several doors together."""
