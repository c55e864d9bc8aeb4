"""The way from a verb to the daemon: the SDK, like everybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ratelord import Client


def open_client(timeout: float | None = None, *, at_least: float = 0.0) -> Client:
    """A client of the daemon that the environment names. ``ask`` through it does not wait.

    An answer has ``RATELORD_TIMEOUT`` seconds, or ``timeout`` where somebody waits who never said
    so; where answers take longer by nature, it has ``at_least`` so many.
    """
    from ratelord import Client
    from ratelord.connection import patience

    return Client(timeout=max(patience(timeout), at_least), auto_wait=False)
