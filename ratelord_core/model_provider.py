"""An account at an API that sells calls of models: what such providers have in common.

A plugin says how its API speaks (``ModelApi``); modes, probes and pools by model are here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, Protocol, cast, runtime_checkable

import msgspec

from ratelord_core.errors import ProviderFailed
from ratelord_core.headers import RateLimit, Reading
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.instant import DAY, MINUTE, SECOND, Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool
from ratelord_core.model_pools import Group, Kind, ModelPools, read_above, read_groups
from ratelord_core.outbound import Answer, Connection, on_our_clock, read_address, without
from ratelord_core.provider import (
    PollRequest,
    PollResult,
    bad_option,
    check_options,
    read_timeout,
)

Mode = Literal["probe", "passive", "manual"]
MODES: Final = ("passive", "probe", "manual")
MOST_PAGES: Final = 10
MOST_LISTED: Final = 900
"""Limits that one poll may list."""
OPTIONS: Final = (
    "account_limits",
    "base_url",
    "mode",
    "models",
    "probe_completion",
    "probe_models",
    "timeout",
)
"""Options that every such provider takes."""


class Call(msgspec.Struct, frozen=True):
    """One request of a probe: ``content`` None is a GET."""

    path: str
    content: Mapping[str, object] | None = None


class ModelApi(Protocol):
    """How one API speaks. Nothing here does I/O."""

    @property
    def who(self) -> str:
        """Its name in sentences."""
        ...

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """What it counts for each model."""
        ...

    @property
    def model_headers(self) -> tuple[str, ...]:
        """Response headers that name the model."""
        ...

    def credentials(self, secret: str | None) -> Mapping[str, str]:
        """The headers of a request."""
        ...

    def listing(self) -> Call:
        """The cheapest request that needs the credential."""
        ...

    def completion(self, model: str) -> Call:
        """The smallest request that the model's limits count."""
        ...

    def read(self, headers: Mapping[str, str], now: Micros) -> Reading:
        """What response headers tell, each limit named after its kind."""
        ...

    def failure(self, answer: Answer, now: Micros) -> ProviderFailed:
        """What an answer that is no success means."""
        ...


class LimitsPage(msgspec.Struct, frozen=True):
    """A page of a list of limits; ``after`` begins the next page ("": it is the last)."""

    groups: tuple[Group, ...]
    after: str = ""


@runtime_checkable
class Listing(Protocol):
    """An API that can be asked for its limits themselves."""

    def limits_page(self, after: str) -> Call | None:
        """The request for the page that begins there ("": the first); None if nobody wants it."""
        ...

    def read_limits_page(self, body: bytes) -> LimitsPage:
        """The page. Raises ``ProviderFailed``."""
        ...


class ModelOptions(msgspec.Struct, frozen=True):
    """An account as configured. Spans in µs."""

    url: str
    groups: tuple[Group, ...]
    poll_interval: Micros
    mode: Mode = "passive"
    probe_completion: bool = False
    probe_models: tuple[str, ...] = ()
    timeout: Micros = 10 * SECOND
    above: Group | None = None


def read_model_options(
    config: ProviderConfig, kinds: Mapping[str, Kind], url: str, more: tuple[str, ...] = ()
) -> ModelOptions:
    """The account as configured; ``url`` is where the API is by default, ``more`` are options that
    the plugin reads itself. Raises ``SettingsError`` that names the option and its value."""
    check_options(config, (*OPTIONS, *more))
    given = {name: value for name, value in config.options.items() if value is not None}
    mode = given.get("mode", "passive")
    if mode not in MODES:
        raise bad_option(config, "mode", mode, f"it is one of {', '.join(MODES)}")
    costly = given.get("probe_completion", False)
    if not isinstance(costly, bool):
        raise bad_option(config, "probe_completion", costly, "give true or false")
    groups = read_groups(config, given.get("models", {}), kinds)
    above = read_above(config, "account_limits", given.get("account_limits"), kinds)
    if mode == "manual" and not any(
        group.limits for group in (*groups, *((above,) if above else ()))
    ):
        raise bad_option(config, "mode", mode, "give the limits themselves, under models")
    named = given.get("probe_models", [one.models[0] for one in groups if "*" not in one.models[0]])
    if not isinstance(named, list) or not all(isinstance(one, str) and one for one in named):
        raise bad_option(config, "probe_models", named, "give a list of models")
    if costly and not named:
        raise bad_option(config, "probe_models", named, "name a model to complete one token with")
    return ModelOptions(
        url=read_address(config, "base_url", given.get("base_url", url), url),
        groups=groups,
        poll_interval=config.poll_interval or MINUTE,
        mode=cast("Mode", mode),
        probe_completion=costly,
        probe_models=tuple(named),
        timeout=read_timeout(config, given.get("timeout", "10s")),
        above=above,
    )


class ModelProvider:
    """One account. Implements ``Provider``, ``Passive`` and ``Describing``.

    ``passive``: what responses tell in passing. ``probe``: also a request at every poll, which
    shows whether the API and the credential work, and costs a token of each probed model if
    ``probe_completion`` is on. ``manual``: what the configuration says, and nothing else.
    """

    passive = True

    def __init__(self, connection: Connection, options: ModelOptions, api: ModelApi) -> None:
        self.provider_id = connection.provider_id
        self.poll_interval = options.poll_interval
        self._options = options
        self._api = api
        self.poll_costs = options.mode == "probe" and options.probe_completion
        self._connection = connection
        self._pools = ModelPools(connection.provider_id, api.kinds, options.groups, options.above)

    @property
    def clock_ahead(self) -> Micros:
        """By how much (µs) the provider's clock is ahead of ours."""
        return self._connection.ahead

    def pools(self) -> tuple[Pool, ...]:
        """The pools of the configured models that have a limit."""
        return self._pools.declared()

    def describe(self, pool_id: str) -> Pool | None:
        """A pool of a model that turned up in passing."""
        return self._pools.describe(pool_id)

    async def poll(self, request: PollRequest) -> PollResult:
        """Probe, if that is the mode. Raises ``ProviderFailed``, and ``SettingsError`` if the
        credential cannot be had."""
        del request
        dated = self._connection.now()
        if self._options.mode != "probe":
            return PollResult(dated, next_poll=DAY)
        secret = await self._connection.credential()
        try:
            seen = await self._probe(secret)
        except ProviderFailed as error:
            raise without(secret, error) from None
        known = {pool.pool_id for pool in self.pools()}
        fresh = {one.pool_id: None for one in seen if one.pool_id not in known}
        described = (self.describe(pool_id) for pool_id in fresh)
        return PollResult(dated, seen, pools=tuple(pool for pool in described if pool))

    async def _probe(self, secret: str | None) -> tuple[Observation, ...]:
        told = self._api.credentials(secret)
        listed = await self._listed(told)
        if listed is not None:
            return listed
        dated = self._connection.now()
        answer = await self._ask(self._api.listing(), told)
        seen = self._read(answer.headers, dated)
        if seen or not self._options.probe_completion:
            return seen
        found: list[Observation] = []
        for model in self._options.probe_models:
            dated = self._connection.now()
            answer = await self._ask(self._api.completion(model), told)
            found += self._pools.observe(model, self._limits(answer.headers, dated), dated)
        return tuple(found)

    async def _listed(self, told: Mapping[str, str]) -> tuple[Observation, ...] | None:
        """The limits of every model, as the API lists them; None if it is not to be asked."""
        if not isinstance(self._api, Listing):
            return None
        dated, found, after = self._connection.now(), list[Observation](), ""
        for _ in range(MOST_PAGES):
            call = self._api.limits_page(after)
            if call is None:
                return None
            page = self._api.read_limits_page((await self._ask(call, told)).body)
            for group in page.groups:
                self._pools.learn(group)
                named = [
                    RateLimit(limit=most, resource=kind) for kind, most in group.limits.items()
                ]
                found += self._pools.observe(group.models[0], named, dated)
            after = page.after
            if not after:
                break
        return tuple(found[:MOST_LISTED])

    async def _ask(self, call: Call, told: Mapping[str, str]) -> Answer:
        url = self._options.url + call.path
        if call.content is None:
            answer = await self._connection.get(url, told)
        else:
            answer = await self._connection.post(url, told, call.content)
        if answer.status != 200:
            raise self._api.failure(answer, self._connection.theirs())
        try:
            msgspec.json.decode(answer.body)
        except msgspec.MsgspecError:
            raise ProviderFailed(
                "malformed", f"{self._api.who} answered no JSON; check base_url"
            ) from None
        return answer

    def read_headers(self, headers: Mapping[str, str], dated: Micros) -> tuple[Observation, ...]:
        """What a response's headers tell of its model's pools; nothing in mode ``manual``."""
        return () if self._options.mode == "manual" else self._read(headers, dated)

    def _read(self, headers: Mapping[str, str], dated: Micros) -> tuple[Observation, ...]:
        model = self._pools.model_in(headers, *self._api.model_headers)
        if model is None:
            return ()
        return self._pools.observe(model, self._limits(headers, dated), dated)

    def _limits(self, headers: Mapping[str, str], dated: Micros) -> list[RateLimit]:
        """The limits that headers tell, their resets on our clock."""
        ahead = self._connection.ahead_in(headers, dated)
        return [
            on_our_clock(limit, ahead) for limit in self._api.read(headers, dated + ahead).limits
        ]

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connection.aclose()
