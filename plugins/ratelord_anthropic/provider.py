"""One Anthropic account: how its API speaks, and what its refusals mean.

Sources: Anthropic's API reference, "Rate limits" and "Errors".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

import msgspec

from ratelord_anthropic.workspace_limits import path_of, read_page
from ratelord_core.clock import Clock
from ratelord_core.errors import ProviderFailed
from ratelord_core.headers import ANTHROPIC, Reading, read_dialect
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.instant import MINUTE, Micros
from ratelord_core.model.window import Window
from ratelord_core.model_pools import Kind
from ratelord_core.model_provider import Call, LimitsPage, ModelProvider, read_model_options
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

    def __init__(self, version: str, workspace: str = "", *, by_list: bool = False) -> None:
        self._version = version
        self._workspace = workspace
        self._by_list = by_list

    def credentials(self, secret: str | None) -> Mapping[str, str]:
        """The key and the version of the API."""
        told = {"anthropic-version": self._version}
        return {**told, "x-api-key": secret} if secret else told

    def listing(self) -> Call:
        """The list of models, which costs nothing."""
        return Call("/v1/models?limit=1")

    def limits_page(self, after: str) -> Call | None:
        """The limits of the workspace, or of the organisation, if the account wants them."""
        if not self._by_list:
            return None
        return Call(path_of(self._workspace) + (f"&page={quote(after, safe='')}" if after else ""))

    def read_limits_page(self, body: bytes) -> LimitsPage:
        """The page, by groups of models that share their limits."""
        return read_page(body)

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
    more = ("api_version", "probe_limits", "workspace_id")
    options = read_model_options(config, KINDS, PUBLIC, more)
    version = config.options.get("api_version") or API_VERSION
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(version)):
        raise bad_option(config, "api_version", version, f"give a date, such as {API_VERSION}")
    workspace = config.options.get("workspace_id") or ""
    if workspace and not re.fullmatch(r"[A-Za-z0-9_\-]{1,128}", str(workspace)):
        right = "give it as the provider's console shows it"
        raise bad_option(config, "workspace_id", workspace, right)
    by_list = config.options.get("probe_limits") or False
    if not isinstance(by_list, bool) or (by_list and options.mode != "probe"):
        raise bad_option(
            config, "probe_limits", by_list, "give true or false; it needs mode: probe"
        )
    if workspace and not by_list:
        right = "it says whose limits to list: give probe_limits: true as well"
        raise bad_option(config, "workspace_id", workspace, right)
    api = AnthropicApi(str(version), str(workspace), by_list=by_list)
    return ModelProvider(Connection(config.id, secret, clock, options.timeout), options, api)
