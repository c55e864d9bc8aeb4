"""What a plugin's own HTTP server needs, with bounds on what strangers may do to it."""

from ratelord_core.inbound.connection import Bounds, Refusal
from ratelord_core.inbound.server import REST, Server, allow_open_files, listener, serving

__all__ = ["REST", "Bounds", "Refusal", "Server", "allow_open_files", "listener", "serving"]
