"""One OpenAI account: how its API speaks, and what its refusals mean.

Sources: OpenAI's API reference and its guides "Rate limits" and "Error codes"; for Azure, "Azure
OpenAI in Foundry Models REST API reference".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

import msgspec

from ratelord_core.clock import Clock
from ratelord_core.errors import ProviderFailed
from ratelord_core.headers import OPENAI, RateLimit, Reading, read_dialect
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.instant import DAY, MINUTE, Micros
from ratelord_core.model.window import Window
from ratelord_core.model_pools import Kind
from ratelord_core.model_provider import Call, LimitsPage, ModelProvider, read_model_options
from ratelord_core.outbound import Answer, Connection, failure_of
from ratelord_core.provider import Provider, bad_option
from ratelord_openai.project_limits import read_page

PUBLIC: Final = "https://api.openai.com/v1"
NO_CREDIT_WAIT: Final = 3600.0
"""Seconds to wait once the account has no credit: only a human with a card can help."""

_MINUTELY: Final = Window("bucket", every=MINUTE)
_DAILY: Final = Window("bucket", every=DAY)
KINDS: Final[dict[str, Kind]] = {
    "requests": Kind("requests", _MINUTELY),
    "tokens": Kind("tokens", _MINUTELY),
    "requests_per_day": Kind("requests", _DAILY, pool="day/requests"),
    "tokens_per_day": Kind("tokens", _DAILY, pool="day/tokens"),
    "images": Kind("images", _MINUTELY, default=False),
    "audio_megabytes": Kind("megabytes", _MINUTELY, default=False),
    "batch_tokens": Kind("tokens", Window("concurrency"), default=False),
    "project-requests": Kind("requests", _MINUTELY, pool="project/requests"),
    "project-tokens": Kind("tokens", _MINUTELY, pool="project/tokens"),
}
"""What OpenAI counts for each model. ``batch_tokens`` are those enqueued in batches, and free again
when the batch ends."""

_PROJECT = re.compile(r"[A-Za-z0-9_\-]{1,128}")
_TEN_MINUTES: Final = 10 * MINUTE


class _Error(msgspec.Struct):
    message: str | None = None
    type: str | None = None
    code: str | int | None = None


class _Body(msgspec.Struct):
    error: _Error


class OpenaiApi:
    """How OpenAI speaks; with ``azure_version`` as Azure does, whose models are deployments."""

    who = "OpenAI"
    kinds = KINDS
    model_headers = ("openai-model", "x-ms-deployment-name")

    def __init__(
        self, organisation: str, project: str, azure_version: str, *, by_project: bool = False
    ) -> None:
        self._organisation = organisation
        self._project = project
        self._azure = azure_version
        self._by_project = by_project

    def credentials(self, secret: str | None) -> Mapping[str, str]:
        """Bearer token (Azure: ``api-key``), and the scope that the key is used in."""
        told = {"openai-organization": self._organisation, "openai-project": self._project}
        if secret and self._azure:
            told["api-key"] = secret
        elif secret:
            told["authorization"] = f"Bearer {secret}"
        return {name: value for name, value in told.items() if value}

    def listing(self) -> Call:
        """The list of models, which costs nothing."""
        if self._azure:
            return Call(f"/openai/models?api-version={quote(self._azure)}")
        return Call("/models")

    def limits_page(self, after: str) -> Call | None:
        """The project's limits by model, a hundred from there on, if the account wants them."""
        if not self._by_project:
            return None
        start = f"&after={quote(after, safe='')}" if after else ""
        return Call(f"/organization/projects/{self._project}/rate_limits?limit=100{start}")

    def read_limits_page(self, body: bytes) -> LimitsPage:
        """The page. A model whose limits make no sense is left out."""
        return read_page(body)

    def completion(self, model: str) -> Call:
        """One token."""
        said = {"messages": [{"role": "user", "content": "."}], "max_completion_tokens": 1}
        if self._azure:
            path = f"/openai/deployments/{quote(model, safe='')}/chat/completions"
            return Call(f"{path}?api-version={quote(self._azure)}", said)
        return Call("/chat/completions", {"model": model, **said})

    def read(self, headers: Mapping[str, str], now: Micros) -> Reading:
        """``x-ratelimit-*-requests`` and ``-tokens``, those of the project included."""
        found = read_dialect(OPENAI, headers, now)
        return Reading(tuple(_per_day(limit, now) for limit in found.limits), found.malformed)

    def failure(self, answer: Answer, now: Micros) -> ProviderFailed:
        """``insufficient_quota`` is no rate limit: nothing refills, so it is ``forbidden``."""
        error = error_of(answer.body)
        said = " ".join((error.message or "").split())[:200]
        if "insufficient_quota" in (error.code, error.type):
            detail = f"{self.who} answered {answer.status}: insufficient_quota: {said}"
            return ProviderFailed("forbidden", f"{detail}; add credit", NO_CREDIT_WAIT)
        return failure_of(self.who, answer, said, now)


def _per_day(limit: RateLimit, now: Micros) -> RateLimit:
    """The limit, for what it is: small accounts are told their requests per day by the same header.
    The time to a full refill over the part that is used gives the window away."""
    if limit.limit is None or limit.remaining is None or limit.reset_at is None:
        return limit
    used = limit.limit - limit.remaining
    if limit.resource != "requests" or not used:
        return limit
    window = (limit.reset_at - now) * limit.limit // used
    if window <= _TEN_MINUTES:
        return limit
    return msgspec.structs.replace(limit, resource="requests_per_day", every=DAY)


def error_of(body: bytes) -> _Error:
    """The error in a body; an empty one if there is none."""
    try:
        return msgspec.json.decode(body, type=_Body, strict=False).error
    except msgspec.MsgspecError:
        return _Error()


def build(config: ProviderConfig, secret: Callable[[], str | None], clock: Clock) -> Provider:
    """An account. Raises ``SettingsError`` that names the option and its value."""
    options = read_model_options(
        config, KINDS, PUBLIC, ("org_id", "project_id", "azure_api_version", "probe_limits")
    )
    scope = {}
    by_project = config.options.get("probe_limits") or False
    if not isinstance(by_project, bool):
        raise bad_option(config, "probe_limits", by_project, "give true or false")
    if by_project and (options.mode != "probe" or config.options.get("project_id") is None):
        right = "it needs mode: probe and a project_id"
        raise bad_option(config, "probe_limits", by_project, right)
    for name in ("org_id", "project_id", "azure_api_version"):
        value = config.options.get(name)
        if value is not None and not _PROJECT.fullmatch(str(value)):
            raise bad_option(config, name, value, "give it as the provider's console shows it")
        scope[name] = "" if value is None else str(value)
    if scope["azure_api_version"] and config.options.get("base_url") is None:
        right = "give your resource's address"
        raise bad_option(config, "base_url", None, f"{right}: Azure has no address for all")
    api = OpenaiApi(
        scope["org_id"], scope["project_id"], scope["azure_api_version"], by_project=by_project
    )
    return ModelProvider(Connection(config.id, secret, clock, options.timeout), options, api)
