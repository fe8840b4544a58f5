"""Records: what happened to each event, kept aside from the queue, and read by people afterwards."""
