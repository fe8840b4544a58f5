"""The audit: what was decided for each event and destination, and why, without saying for whom."""
