"""Marketing's YAML, compiled: from text with positions to one immutable Container."""
