"""From the door to the vendor: the outbox that keeps deliveries, and the workers that send them."""
