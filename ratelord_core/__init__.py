"""ratelord: a local-first control plane for constraints that agents must live within."""

from ratelord_core.hookspecs import hookimpl, hookspec

__all__ = ["__version__", "hookimpl", "hookspec"]

__version__ = "0.1.0"
