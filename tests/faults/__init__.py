"""Faults against a real server process: killed, stopped, started twice. Nothing here imports tagserver."""
