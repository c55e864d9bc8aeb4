"""Messages between daemons over HTTP."""
