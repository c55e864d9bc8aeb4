"""Registers the ``gemini`` provider."""

from __future__ import annotations

from ratelord_core import __version__, hookimpl
from ratelord_core.provider import ProviderFactory, ProviderKind

GEMINI = ProviderKind("gemini", __version__, "ratelord_gemini.provider:build")


@hookimpl
def ratelord_register_providers() -> list[ProviderFactory]:
    """One kind, named ``gemini``."""
    return [GEMINI]
