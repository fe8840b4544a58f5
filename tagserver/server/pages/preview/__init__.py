"""Preview: events as they come, and the sessions by which some of them go another way."""
