"""Govern clients that know nothing of ratelord: ask before each call, wait if told, report after.

from ratelord import capture

client = capture(OpenAI(), agent_id="crawler", identity_id="key:prod")
"""

from ratelord.capturing.clients import capture
from ratelord.capturing.conversation import Conversation, Names
from ratelord.capturing.github_speech import GITHUB
from ratelord.capturing.speech import Asked, Refusal, Speech, Usage
from ratelord.capturing.speeches import ANTHROPIC, GEMINI, OPENAI, PLAIN, SPEECHES

__all__ = [
    "ANTHROPIC",
    "GEMINI",
    "GITHUB",
    "OPENAI",
    "PLAIN",
    "SPEECHES",
    "Asked",
    "Conversation",
    "Names",
    "Refusal",
    "Speech",
    "Usage",
    "capture",
]
