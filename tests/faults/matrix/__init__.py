"""The fault matrix: an oracle vendor, a producer, a faulter and a judge, each a process of its own that knows the
server only from outside. Nothing in this folder imports the server's code; the programs under `plugins/` are loaded
by it."""
