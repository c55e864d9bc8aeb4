"""The first minute: a daemon, three agents, one small pool, and what happens when it runs dry."""
