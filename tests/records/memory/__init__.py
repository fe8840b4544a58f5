"""A store of records in memory, in simple lists: what the contract means, without any file."""
