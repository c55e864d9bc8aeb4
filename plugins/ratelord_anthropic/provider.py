"""One Anthropic account: how its API speaks, and what its refusals mean.

Sources: Anthropic's API reference, "Rate limits" and "Errors".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from ratelord_core.clock import Clock
from ratelord_core.errors import ProviderFailed
from ratelord_core.headers import ANTHROPIC, Reading, read_dialect
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.instant import MINUTE, Micros
from ratelord_core.model.window import Window
from ratelord_core.model_pools import Kind
from ratelord_core.model_provider import Call, ModelProvider, read_model_options
from ratelord_core.outbound import Answer, Connection, failure_of
from ratelord_core.provider import Provider, bad_option

PUBLIC: Final = "https://api.anthropic.com"
API_VERSION: Final = "2023-06-01"
OVERLOADED: Final = 529
OVERLOADED_WAIT: Final = 30.0
"""Seconds to leave an overloaded API alone if it names no time."""

_MINUTELY: Final = Window("bucket", every=MINUTE)
KINDS: Final[dict[str, Kind]] = {
    "requests": Kind("requests", _MINUTELY),
    "input_tokens": Kind("tokens", _MINUTELY),
    "output_tokens": Kind("tokens", _MINUTELY),
    "tokens": Kind("tokens", _MINUTELY, default=False),
    "priority_input_tokens": Kind("tokens", _MINUTELY, default=False),
    "priority_output_tokens": Kind("tokens", _MINUTELY, default=False),
    "batch_requests": Kind("requests", Window("concurrency"), default=False),
}
"""What Anthropic counts for each class of models. ``tokens`` is the sum of the two, which the
headers tell of whichever limit is the tightest; it binds nobody who does not list it."""


class _Error(msgspec.Struct):
    message: str = ""
    type: str = ""


class _Body(msgspec.Struct):
    error: _Error


class AnthropicApi:
    """How Anthropic speaks."""

    who = "Anthropic"
    kinds = KINDS
    model_headers = ("anthropic-model",)

    def __init__(self, version: str) -> None:
        self._version = version

    def credentials(self, secret: str | None) -> Mapping[str, str]:
        """The key and the version of the API."""
        told = {"anthropic-version": self._version}
        return {**told, "x-api-key": secret} if secret else told

    def listing(self) -> Call:
        """The list of models, which costs nothing."""
        return Call("/v1/models?limit=1")

    def completion(self, model: str) -> Call:
        """One token."""
        said = [{"role": "user", "content": "."}]
        return Call("/v1/messages", {"model": model, "max_tokens": 1, "messages": said})

    def read(self, headers: Mapping[str, str], now: Micros) -> Reading:
        """``anthropic-ratelimit-*``; inside a workspace with limits of its own, those."""
        found = read_dialect(ANTHROPIC, headers, now)
        named = (
            msgspec.structs.replace(limit, resource=limit.resource.replace("-", "_"))
            for limit in found.limits
        )
        return Reading(tuple(named), found.malformed)

    def failure(self, answer: Answer, now: Micros) -> ProviderFailed:
        """An exhausted balance is no rate limit; an overloaded API (529) asks for patience."""
        error = _error_of(answer.body)
        said = " ".join(f"{error.type}: {error.message}".strip(": ").split())[:200]
        if error.type == "billing_error" or "credit balance" in error.message:
            return ProviderFailed("forbidden", f"{self.who} answered {answer.status}: {said}", 3600)
        failed = failure_of(self.who, answer, said, now)
        if answer.status == OVERLOADED and failed.retry_after is None:
            return ProviderFailed(failed.kind, failed.detail, OVERLOADED_WAIT)
        return failed


def _error_of(body: bytes) -> _Error:
    try:
        return msgspec.json.decode(body, type=_Body).error
    except msgspec.MsgspecError:
        return _Error()


def build(config: ProviderConfig, secret: Callable[[], str | None], clock: Clock) -> Provider:
    """An account, or one workspace of it: its key says which. Raises ``SettingsError``."""
    options = read_model_options(config, KINDS, PUBLIC, ("api_version",))
    version = config.options.get("api_version") or API_VERSION
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(version)):
        raise bad_option(config, "api_version", version, f"give a date, such as {API_VERSION}")
    return ModelProvider(
        Connection(config.id, secret, clock, options.timeout), options, AnthropicApi(str(version))
    )
