"""What the present version answers, on record, and the same asked of a later one."""
