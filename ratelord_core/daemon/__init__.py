"""The composition root: choose real things, hand them to each other, start and stop them."""

from ratelord_core.daemon.run import run

__all__ = ["run"]
