"""Whom usage is attributed to."""

from __future__ import annotations

from typing import Final

Party = tuple[str, str, str]
"""Agent, identity and scope."""

NOBODY: Final[Party] = ("", "", "")
"""Nobody we know: usage that only the provider saw, or that a former account had counted."""
