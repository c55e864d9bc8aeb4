"""The composition root: choose real things, hand them to each other, start and stop them."""

from ratelord_core.daemon.run import embedded, run

__all__ = ["embedded", "run"]
