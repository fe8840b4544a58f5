"""The delivery layer: the outbox that keeps deliveries, and the workers that send them."""
