"""Who an event is about: each identifier parsed once, in every vendor's own canonical form."""
