"""The section ``tools``: what a call of somebody's tool is to the arbiter."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import yaml

from ratelord_core.model.config import ToolConfig
from ratelord_core.model.instant import SECOND
from ratelord_core.model.span import parse_span
from ratelord_core.policy.condition import ConditionError
from ratelord_core.policy.expression import AFTER, BEFORE, Expressions
from ratelord_core.policy.fields import Fields, entries, items
from ratelord_core.policy.reading import Reading
from ratelord_core.policy.section_pools import OWN
from ratelord_core.policy.values import flag, is_null, name, number, one_of, plain, span, text

Amount = float | str
Compiler = Callable[[str], object]


def read_tools(node: yaml.Node, reading: Reading) -> tuple[ToolConfig, ...]:
    """Every entry, in file order: the first that matches a call counts."""
    before, after = Expressions(BEFORE), Expressions(AFTER)
    return tuple(
        _Entry(Fields(item, path, reading), before, after).read()
        for item, path in items(node, "tools", reading)
    )


class _Entry:
    """One entry, read with what compiles its expressions."""

    def __init__(self, fields: Fields, before: Expressions, after: Expressions) -> None:
        self._fields = fields
        self._before = before
        self._after = after

    def read(self) -> ToolConfig:
        fields = self._fields
        # A checker that unites what a union's reader gives calls it an object.
        cost = cast("Amount | None", fields.maybe(self._amount, "expected_cost"))
        seconds = cast("Amount | None", fields.maybe(self._seconds, "duration"))
        mark = fields.node.start_mark
        entry = ToolConfig(
            match=fields.need(_pattern, "match") or "",
            when=fields.get(self._cel(self._flag), "", "when"),
            ask=fields.get(flag, True, "ask"),
            workload=fields.get(self._cel(self._before.template), "", "workload"),
            scope=fields.get(self._cel(self._before.template), "", "scope"),
            identity=fields.get(self._cel(self._before.template), "", "identity"),
            model=fields.get(self._cel(self._before.template), "", "model"),
            urgency=fields.get(one_of("high", "normal", "background"), "normal", "urgency"),  # type: ignore[arg-type]  # one of them
            provider_id=fields.maybe(name, "provider", "provider_id"),
            pool_id=fields.maybe(name, "pool", "pool_id"),
            expected_cost=cost,
            costs=fields.get(self._amounts, {}, "costs"),
            duration=seconds,
            max_wait=fields.maybe(span, "max_wait"),
            actual_cost=fields.get(self._cel(self._told), "", "actual_cost"),
            actual_costs=fields.get(self._actual, {}, "actual_costs"),
            cancelled=fields.get(one_of("free", "count"), "free", "cancelled"),  # type: ignore[arg-type]  # one of them
            line=mark.line + 1,
            column=mark.column + 1,
        )
        fields.close()
        return entry

    def _flag(self, written: str) -> object:
        return self._before.compile(written, "flag")

    def _number(self, written: str) -> object:
        return self._before.compile(written, "number")

    def _told(self, written: str) -> object:
        return self._after.compile(written, "number")

    def _cel(self, compiles: Compiler) -> Callable[[yaml.Node, str, Reading], str | None]:
        """A reader of a text that must compile."""

        def read(node: yaml.Node, path: str, reading: Reading) -> str | None:
            value = text(node, path, reading)
            if value is None or not isinstance(node, yaml.ScalarNode):
                return None
            try:
                compiles(value)
            except ConditionError as error:
                for one in error.problems:
                    reading.found_inside(node, one.offset, path, one.message, one.hint)
                return None
            return value

        return read

    def _amount(self, node: yaml.Node, path: str, reading: Reading) -> Amount | None:
        """A number, or CEL that gives one."""
        if isinstance(plain(node), str):
            return self._cel(self._number)(node, path, reading)
        return number(node, path, reading)

    def _amounts(self, node: yaml.Node, path: str, reading: Reading) -> dict[str, Amount] | None:
        read = {
            _pool(key): self._amount(value, f"{path}.{key}", reading)
            for key, (_, value) in entries(node, path, reading).items()
        }
        return {key: value for key, value in read.items() if value is not None}

    def _actual(self, node: yaml.Node, path: str, reading: Reading) -> dict[str, str] | None:
        read = {
            _pool(key): self._cel(self._told)(value, f"{path}.{key}", reading)
            for key, (_, value) in entries(node, path, reading).items()
        }
        return {key: value for key, value in read.items() if value is not None}

    def _seconds(self, node: yaml.Node, path: str, reading: Reading) -> Amount | None:
        """A length of time (seconds), or CEL that gives seconds."""
        if isinstance(node, yaml.ScalarNode) and not is_null(node):
            try:
                return parse_span(str(node.value)) / SECOND
            except ValueError:
                return self._cel(self._number)(node, path, reading)
        return number(node, path, reading)


def _pool(key: str) -> str:
    return key if "/" in key else f"{OWN[0]}/{key}"


def _pattern(node: yaml.Node, path: str, reading: Reading) -> str | None:
    value = text(node, path, reading)
    if value is None:
        return None
    if value != "*" and value.count("/") == 0:
        hint = f"write {value}/* for every tool of a server, */{value} for a tool of any"
        reading.found(node, path, f"{value!r} is not of the form SERVER/TOOL", hint)
        return None
    return value
