"""What a call of somebody's tool is to the arbiter: the policy's ``tools`` section, at work.

For whoever stands before a tool and asks in its name: a gateway, or a hook of a coding agent. The
mapping travels as the plain JSON of ``GET /v1/policy/tools``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

import msgspec

from ratelord_core.model.config import ToolConfig
from ratelord_core.model.ids import ROOT_SCOPE
from ratelord_core.model.instant import to_seconds
from ratelord_core.model.span import parse_span
from ratelord_core.policy.condition import ConditionError, EvaluationError
from ratelord_core.policy.expression import AFTER, BEFORE, Expressions

_NOT_ID: Final = re.compile(r"[^A-Za-z0-9._:/@+\-]+")
_LONGEST_ID: Final = 256


class MappingFailed(ValueError):
    """The mapping cannot say what a call is; one line, with the entry that failed."""


class PoolFacts(msgspec.Struct, frozen=True):
    """What a cost must know of a pool: what it counts, and whether it is a cap of our own."""

    unit: str
    local: bool


class MappingWire(msgspec.Struct, frozen=True):
    """The mapping as it travels: entries as the policy file spells them."""

    version: str = ""
    tools: tuple[dict[str, Any], ...] = ()
    pools: dict[str, PoolFacts] = {}


class ToolPlan(msgspec.Struct, frozen=True):
    """What to ask before a call. ``ask`` False: nothing. ``options`` are those of the SDK's
    ``ask``; ``identity_id`` "" leaves it to the asker; ``entry`` is the place of the entry, -1 for
    the default."""

    workload_id: str
    scope_id: str
    identity_id: str = ""
    ask: bool = True
    options: dict[str, Any] = {}
    entry: int = -1
    frees_if_cancelled: bool = True


class ActualCost(msgspec.Struct, frozen=True):
    """What a call really cost, as far as the mapping says."""

    actual_cost: float | None = None
    costs: dict[str, float] = {}


class ToolMapping:
    """Entries in file order; the first that matches a call says what it is.

    A call that none matches is the work ``SERVER/TOOL`` in the scope that the asker names.
    """

    def __init__(
        self, entries: tuple[ToolConfig, ...] = (), version: str = "", pools: Any = None
    ) -> None:
        self.version = version
        self.pools: dict[str, PoolFacts] = dict(pools or {})
        self._entries = tuple(_Entry(number, one) for number, one in enumerate(entries))

    @classmethod
    def from_wire(cls, plain: Any) -> ToolMapping:
        """The mapping that a daemon sent. Raises ``MappingFailed`` for what is none."""
        try:
            wire = msgspec.convert(plain, MappingWire)
            entries = tuple(_read(one) for one in wire.tools)
        except (msgspec.ValidationError, ValueError) as error:
            raise MappingFailed(f"the daemon's tool mapping cannot be read: {error}") from error
        return cls(entries, wire.version, wire.pools)

    def plan(
        self, server: str, tool: str, arguments: Mapping[str, Any], scope: str = ROOT_SCOPE
    ) -> ToolPlan:
        """What to ask before this call. Raises ``MappingFailed`` if an expression has no value
        for these arguments: who cannot tell what a call is must not let it pass."""
        values = {"server": server, "tool": tool, "args": dict(arguments)}
        name = f"{server}/{tool}"
        for entry in self._entries:
            if entry.matches(name, values):
                return entry.plan(name, values, scope)
        return ToolPlan(as_id(name), as_id(scope))

    def actual(
        self,
        plan: ToolPlan,
        server: str,
        tool: str,
        arguments: Mapping[str, Any],
        result: Mapping[str, Any],
        *,
        failed: bool,
        seconds: float,
    ) -> ActualCost:
        """What the entry behind a plan says the call cost; nothing if it is silent, or has no
        value for this result: then what was held stands."""
        if not 0 <= plan.entry < len(self._entries):
            return ActualCost()
        values = {
            "server": server,
            "tool": tool,
            "args": dict(arguments),
            "result": dict(result),
            "failed": failed,
            "seconds": seconds,
        }
        return self._entries[plan.entry].actual(values)


class _Entry:
    """One entry, compiled when it is first needed."""

    def __init__(self, number: int, config: ToolConfig) -> None:
        self._number = number
        self._config = config
        self._pattern = re.compile(
            ".*".join(re.escape(part) for part in config.match.split("*")), re.DOTALL
        )

    @cached_property
    def _before(self) -> Expressions:
        return Expressions(BEFORE)

    @cached_property
    def _after(self) -> Expressions:
        return Expressions(AFTER)

    def matches(self, name: str, values: Mapping[str, Any]) -> bool:
        if self._pattern.fullmatch(name) is None:
            return False
        when = self._config.when
        return not when or bool(self._value("when", values))

    def plan(self, name: str, values: Mapping[str, Any], scope: str) -> ToolPlan:
        config = self._config
        options: dict[str, Any] = {
            "urgency": None if config.urgency == "normal" else config.urgency,
            "expected_cost": self._amount(config.expected_cost, "expected_cost", values),
            "costs": {
                pool: self._amount(cost, f"costs.{pool}", values)
                for pool, cost in config.costs.items()
            },
            "provider_id": config.provider_id,
            "pool_id": config.pool_id,
            "model": self._text("model", values),
            "duration_hint": self._amount(config.duration, "duration", values),
            "max_wait": None if config.max_wait is None else to_seconds(config.max_wait),
        }
        return ToolPlan(
            as_id(self._text("workload", values) or name),
            as_id(self._text("scope", values) or scope),
            _id_or_nothing(self._text("identity", values)),
            config.ask,
            {key: value for key, value in options.items() if value not in (None, "", {})},
            self._number,
            config.cancelled == "free",
        )

    def actual(self, values: Mapping[str, Any]) -> ActualCost:
        found: dict[str, float] = {}
        for pool, text in self._config.actual_costs.items():
            cost = self._cost(text, values)
            if cost is not None:
                found[pool] = cost
        return ActualCost(self._cost(self._config.actual_cost, values), found)

    def _cost(self, text: str, values: Mapping[str, Any]) -> float | None:
        if not text:
            return None
        try:
            return float(self._after.compile(text, "number").value(values))
        except (ConditionError, EvaluationError):
            return None

    def _amount(
        self, written: float | str | None, field: str, values: Mapping[str, Any]
    ) -> float | None:
        if not isinstance(written, str):
            return written
        try:
            return float(self._before.compile(written, "number").value(values))
        except (ConditionError, EvaluationError) as error:
            raise self._failed(field, written, error) from error

    def _text(self, field: str, values: Mapping[str, Any]) -> str:
        written: str = getattr(self._config, field)
        if "${" not in written:
            return written
        try:
            return self._before.template(written).value(values)
        except (ConditionError, EvaluationError) as error:
            raise self._failed(field, written, error) from error

    def _value(self, field: str, values: Mapping[str, Any]) -> Any:
        written: str = getattr(self._config, field)
        try:
            return self._before.compile(written, "flag").value(values)
        except (ConditionError, EvaluationError) as error:
            raise self._failed(field, written, error) from error

    def _failed(self, field: str, written: str, error: Exception) -> MappingFailed:
        where = f"{field} of tools entry {self._config.match!r}"
        return MappingFailed(
            f"{where} has no value for these arguments: {written} ({error}); "
            "guard it with has(args.name), or call the tool with that argument"
        )


def as_id(text: str) -> str:
    """The text as an id: what no id may hold becomes ``-``, what is too long is cut."""
    made = _NOT_ID.sub("-", text)[:_LONGEST_ID]
    return made or "-"


def _id_or_nothing(text: str) -> str:
    return as_id(text) if text else ""


def _read(plain: dict[str, Any]) -> ToolConfig:
    renamed = {"provider": "provider_id", "pool": "pool_id"}
    fields = {renamed.get(key, key): value for key, value in plain.items()}
    if "max_wait" in fields:
        fields["max_wait"] = parse_span(fields["max_wait"])
    entry = msgspec.convert(fields, ToolConfig)
    amounts = (entry.expected_cost, *entry.costs.values(), entry.duration)
    if any(isinstance(one, float) and not math.isfinite(one) for one in amounts):
        raise ValueError(f"a cost of entry {entry.match!r} is not finite")
    return entry
