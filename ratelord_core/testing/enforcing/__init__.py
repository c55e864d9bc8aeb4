"""Providers on this machine that speak documented payloads, and really refuse what is too much."""

from ratelord_core.testing.enforcing.anthropic_api import EnforcingAnthropic
from ratelord_core.testing.enforcing.gemini_api import EnforcingGemini
from ratelord_core.testing.enforcing.github_api import EnforcingGithub
from ratelord_core.testing.enforcing.meter import Meter
from ratelord_core.testing.enforcing.openai_api import EnforcingOpenai

__all__ = ["EnforcingAnthropic", "EnforcingGemini", "EnforcingGithub", "EnforcingOpenai", "Meter"]
