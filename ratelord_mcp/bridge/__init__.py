"""The way from a process of its own to the one daemon: found, started if need be, asked."""
