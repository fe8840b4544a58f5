"""Destinations that the operator stops by hand: who may, what is said before and after, and how it ends."""
