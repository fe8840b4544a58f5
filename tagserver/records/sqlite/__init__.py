"""The store of records in one SQLite file."""
