"""A second engine, in memory: the contract in plain words, with nothing of SQLite's. It keeps nothing over a restart.

It is written for reading, not for speed: lists are searched, and everything happens at once on the event loop.
"""
