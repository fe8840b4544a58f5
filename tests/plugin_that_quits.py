"""A plugin that ends the process when it is imported, as scripts do that were not meant to be."""

raise SystemExit("not today")
