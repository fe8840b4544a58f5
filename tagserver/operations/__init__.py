"""For operations: logs, metrics, a watchdog, and whether this machine is fit."""
