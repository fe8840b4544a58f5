"""The audit: its chain, its files, what stands in it, and what does not."""
