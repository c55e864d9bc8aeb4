"""One Gemini or Vertex AI account: how the API speaks, and what its refusals mean.

The API tells no limits in its headers; a refusal's body does. Whoever passes such a refusal on
puts what it says (``QuotaFailure``, ``RetryInfo``) into ``RateLimit`` fields, whose items are named
after the ``quotaId``. Sources: Gemini API reference, "Rate limits"; google.rpc, error details.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from ratelord_core.clock import Clock
from ratelord_core.errors import ProviderFailed
from ratelord_core.headers import Reading, parse_duration, read_rate_fields
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.instant import MINUTE, Micros, to_seconds
from ratelord_core.model.window import Window
from ratelord_core.model_pools import Kind
from ratelord_core.model_provider import Call, ModelProvider, read_model_options
from ratelord_core.outbound import Answer, Connection, failure_of
from ratelord_core.provider import Provider, bad_option

PUBLIC: Final = "https://generativelanguage.googleapis.com"

_MINUTELY: Final = Window("bucket", every=MINUTE)
_DAILY: Final = Window("calendar", unit="day", timezone="America/Los_Angeles")
"""Requests per day are counted anew at midnight, Pacific time."""
KINDS: Final[dict[str, Kind]] = {
    "requests": Kind("requests", _MINUTELY),
    "input_tokens": Kind("tokens", _MINUTELY),
    "requests_per_day": Kind("requests", _DAILY, pool="day/requests"),
    "input_tokens_per_day": Kind("tokens", _DAILY, pool="day/input_tokens"),
    "batch_tokens": Kind("tokens", Window("concurrency"), default=False),
}
"""What the API counts for each model."""

_NAME = re.compile(r"[A-Za-z0-9.:\-]{1,100}")


class GeminiApi:
    """How the API speaks: by key, or at Vertex AI (project and location) by access token."""

    who = "Gemini"
    kinds = KINDS
    model_headers: tuple[str, ...] = ()

    def __init__(self, project: str, location: str) -> None:
        self._place = f"/v1/projects/{project}/locations/{location}" if project else ""

    def credentials(self, secret: str | None) -> Mapping[str, str]:
        """The key as a header: in the address it would be logged everywhere."""
        if not secret:
            return {}
        if self._place:
            return {"authorization": f"Bearer {secret}"}
        return {"x-goog-api-key": secret}

    def listing(self) -> Call:
        """The list of models, which costs nothing."""
        if self._place:
            return Call(f"{self._place}/models?pageSize=1")
        return Call("/v1beta/models?pageSize=1")

    def completion(self, model: str) -> Call:
        """One token."""
        name = quote(model, safe="")
        said = {"contents": [{"role": "user", "parts": [{"text": "."}]}]}
        content = {**said, "generationConfig": {"maxOutputTokens": 1}}
        if self._place:
            return Call(f"{self._place}/publishers/google/models/{name}:generateContent", content)
        return Call(f"/v1beta/models/{name}:generateContent", content)

    def read(self, headers: Mapping[str, str], now: Micros) -> Reading:
        """``RateLimit`` fields, whose items are named after what was exceeded."""
        found = read_rate_fields(headers, now)
        named = (
            msgspec.structs.replace(limit, resource=kind_of(limit.resource), every=None, unit=None)
            for limit in found.limits
        )
        return Reading(tuple(limit for limit in named if limit.resource), found.malformed)

    def failure(self, answer: Answer, now: Micros) -> ProviderFailed:
        """A refusal, with the wait that ``RetryInfo`` asks for."""
        error = _error_in(answer.body)
        said = " ".join(str(error.get("message") or "").split())[:200]
        failed = failure_of(self.who, answer, said, now)
        wait = retry_delay(error)
        if wait is None:
            return failed
        return ProviderFailed(failed.kind, failed.detail, to_seconds(wait))


def kind_of(name: str) -> str:
    """Which of our kinds a ``quotaId`` such as
    ``GenerateRequestsPerMinutePerProjectPerModel-FreeTier`` is of; "" for any other."""
    daily = "PerDay" in name
    if "InputToken" in name:
        return "input_tokens_per_day" if daily else "input_tokens"
    if "Requests" in name:
        return "requests_per_day" if daily else "requests"
    return ""


def retry_delay(error: Mapping[str, Any]) -> Micros | None:
    """The span that a ``RetryInfo`` among an error's details asks to wait."""
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and str(detail.get("@type", "")).endswith(".RetryInfo"):
            return parse_duration(str(detail.get("retryDelay", "")))
    return None


def _error_in(body: bytes) -> Mapping[str, Any]:
    try:
        content: Any = msgspec.json.decode(body)
    except msgspec.MsgspecError:
        return {}
    if isinstance(content, list) and content:  # as streams do
        content = content[0]
    error = content.get("error") if isinstance(content, dict) else None
    return error if isinstance(error, dict) else {}


def build(config: ProviderConfig, secret: Callable[[], str | None], clock: Clock) -> Provider:
    """An account; with ``project`` and ``location`` one at Vertex AI. Raises ``SettingsError``."""
    project, location = (config.options.get(name) for name in ("project", "location"))
    for name, value in (("project", project), ("location", location)):
        if value is not None and not _NAME.fullmatch(str(value)):
            raise bad_option(config, name, value, "give it as the provider's console shows it")
    if (project is None) != (location is None):
        raise bad_option(config, "location", location, "give project and location, or neither")
    url = PUBLIC if project is None else f"https://{location}-aiplatform.googleapis.com"
    options = read_model_options(config, KINDS, url, ("project", "location"))
    return ModelProvider(
        Connection(config.id, secret, clock, options.timeout),
        options,
        GeminiApi(str(project or ""), str(location or "")),
    )
