"""Registers the ``openai`` provider."""

from __future__ import annotations

from ratelord_core import __version__, hookimpl
from ratelord_core.provider import ProviderFactory, ProviderKind

OPENAI = ProviderKind("openai", __version__, "ratelord_openai.provider:build")


@hookimpl
def ratelord_register_providers() -> list[ProviderFactory]:
    """One kind, named ``openai``."""
    return [OPENAI]
