"""Registers the ``headers`` provider."""

from __future__ import annotations

from ratelord_core import __version__, hookimpl
from ratelord_core.provider import ProviderFactory, ProviderKind

HEADERS = ProviderKind("headers", __version__, "ratelord_headers.provider:build")


@hookimpl
def ratelord_register_providers() -> list[ProviderFactory]:
    """One kind, named ``headers``."""
    return [HEADERS]
