"""The way from a verb to the daemon: the SDK, like everybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ratelord import Client


def open_client(timeout: float = 5.0) -> Client:
    """A client of the daemon that the environment names. ``ask`` through it does not wait."""
    from ratelord import Client

    return Client(timeout=timeout, auto_wait=False)
