"""Registers the ``anthropic`` provider."""

from __future__ import annotations

from ratelord_core import __version__, hookimpl
from ratelord_core.provider import ProviderFactory, ProviderKind

ANTHROPIC = ProviderKind("anthropic", __version__, "ratelord_anthropic.provider:build")


@hookimpl
def ratelord_register_providers() -> list[ProviderFactory]:
    """One kind, named ``anthropic``."""
    return [ANTHROPIC]
