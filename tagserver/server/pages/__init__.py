"""The pages under `/-/`, for people: HTML made of the same values that the addresses ending in `.json` give."""
