"""Every governed pool: which rules pace it, by what controllers, and how they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

import msgspec

from ratelord_core.control.governor import Governor, Spaced
from ratelord_core.control.outside import OutsideUse
from ratelord_core.control.protocol import ControllerFactory, PaceParams
from ratelord_core.control.trusted import Trusted
from ratelord_core.events.lines import PacedLine
from ratelord_core.model.instant import Micros, to_seconds

_MOST: Final = 1024
"""Governors and pools that are kept in mind."""

Label = tuple[str, str]
"""A policy's id and a rule's name."""


class Paced(msgspec.Struct, frozen=True, gc=False):
    """A rule whose action names a controller, ready to be applied."""

    factory: ControllerFactory[Any]
    params: PaceParams

    def governor(self, window: Micros) -> Governor:
        """A governor that has seen nothing yet; ``window`` is the pool's length in µs."""
        controller = Trusted(self.params.algorithm, partial(self.factory.build, self.params))
        return Governor(self.params, controller, window)


class _Rule(msgspec.Struct, frozen=True):
    name: str = ""
    params: dict[str, Any] = {}


class _Policy(msgspec.Struct, frozen=True):
    id: str = ""
    rules: tuple[_Rule, ...] = ()


class _Document(msgspec.Struct, frozen=True):
    policies: tuple[_Policy, ...] = ()


_read = msgspec.json.Decoder(_Document).decode


class Pacing:
    """Governors by rule and pool, created when a rule first paces a pool. While it is not
    ``active`` nothing need be told."""

    def __init__(self, controllers: Mapping[str, ControllerFactory[Any]] | None = None) -> None:
        self._controllers = dict(controllers or {})
        self.active = False
        """Whether any rule paces a pool; a plain attribute, for every decision looks at it."""
        self._rules: dict[int, Label] = {}
        self._paced: dict[Label, Paced] = {}
        self._governors: dict[tuple[Label, str], Governor] = {}
        self._by_pool: dict[str, list[Governor]] = {}
        self._outside: dict[str, OutsideUse] = {}

    def adopt(self, document: str) -> None:
        """A policy came into force, as its canonical text; what it paces as before goes on."""
        before, self._rules, self._paced = self._paced, {}, {}
        rules = ((policy.id, rule) for policy in _read(document).policies for rule in policy.rules)
        for number, (policy_id, rule) in enumerate(rules):
            paced = self._find(rule.params)
            if paced is not None:
                label = self._rules[number] = (policy_id, rule.name)
                self._paced[label] = paced
        self.active = bool(self._paced)
        kept = {label for label, paced in self._paced.items() if before.get(label) == paced}
        self._governors = {
            key: governor for key, governor in self._governors.items() if key[0] in kept
        }
        self._by_pool = {}
        for (_, pool), governor in self._governors.items():
            self._by_pool.setdefault(pool, []).append(governor)

    def _find(self, params: Mapping[str, Any]) -> Paced | None:
        factory = self._controllers.get(str(params.get("algorithm", "")))
        if factory is None:
            return None
        try:
            return Paced(factory, msgspec.convert(dict(params), factory.params))
        except msgspec.ValidationError:
            return None  # a rule of another time: whoever asks under it is told what is wrong

    def governor(self, rule: int, pool: str) -> Governor | None:
        """The governor of a pool by a rule, by its number; None before it paced the pool."""
        label = self._rules.get(rule)
        return None if label is None else self._governors.get((label, pool))

    def open(self, rule: int, pool: str, window: Micros) -> Governor | None:
        """The same, created if need be; None for a rule that paces nothing."""
        label = self._rules.get(rule)
        if label is None:
            return None
        key = (label, pool)
        found = self._governors.get(key)
        if found is None:
            if len(self._governors) >= _MOST:
                self._governors.clear()
                self._by_pool.clear()
            found = self._governors[key] = self._paced[label].governor(window)
            self._by_pool.setdefault(pool, []).append(found)
        return found

    def of(self, pool: str) -> list[Governor]:
        """Every governor of a pool."""
        return self._by_pool.get(pool, [])

    def pools(self) -> Iterator[str]:
        """The pools that are governed."""
        return iter(self._by_pool)

    def failures(self) -> Iterator[tuple[Label, str, str, str, float]]:
        """Every controller that failed: its rule, its pool, its name, how, and since when."""
        for (label, pool), governor in self._governors.items():
            controller = governor.controller
            if isinstance(controller, Trusted) and controller.failed is not None:
                yield label, pool, governor.params.algorithm, *controller.failed

    def outside(self, pool: str) -> OutsideUse | None:
        """What others use of a pool; None if no poll has told."""
        return self._outside.get(pool)

    def counted(
        self, pool: str, dated: Micros, units: int, unsure: int, window: Micros
    ) -> OutsideUse:
        """A poll counted so many units beside what had been settled."""
        known = self._outside.get(pool)
        if known is None:
            if len(self._outside) >= _MOST:
                self._outside.clear()
            known = self._outside[pool] = OutsideUse(to_seconds(window))
        known.seen(to_seconds(dated), float(units), float(unsure))
        return known

    def answered(
        self,
        at: Micros,
        who: tuple[str, float],
        line: PacedLine,
        window: Micros,
        *,
        allowed: bool,
    ) -> None:
        """Somebody (agent, weight) was told where to start by a rule, as it was written down."""
        governor = self.open(line.rule, line.pool, window)
        if governor is not None:
            spaced = Spaced(line.wait, line.gap, line.turn)
            governor.answered(at, *who, line.units, spaced, allowed=allowed)

    def state(self) -> dict[str, Any]:
        """Everything remembered, as plain JSON values."""
        return {
            "governors": sorted(
                [*label, pool, governor.state()]
                for (label, pool), governor in self._governors.items()
            ),
            "outside": {pool: known.state() for pool, known in sorted(self._outside.items())},
        }
