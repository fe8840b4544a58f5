"""From the queue to the vendor: the workers that send deliveries, and what an answer means."""
