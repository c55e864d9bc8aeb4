"""The command line as a verb of ``ratelord``."""

from __future__ import annotations

from ratelord_sim.cli.app import build

app = build("sim")
"""``ratelord sim``."""
