"""Preview sessions: links by which the events of one visitor go another way than everybody else's."""
