"""Registers the verb ``proxy``."""

from __future__ import annotations

from ratelord_core import hookimpl
from ratelord_core.verb import Verb


@hookimpl
def ratelord_register_verbs() -> list[Verb]:
    """By name only: its code needs a server."""
    return [
        Verb(
            name="proxy",
            help="Govern any client by its base URL: a reverse proxy before a provider.",
            target="ratelord_proxy.command:proxy",
            group="Start",
        )
    ]
