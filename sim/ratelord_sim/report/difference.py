"""What differs between two results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from ratelord_core.errors import RatelordError
from ratelord_sim.result import Result

_LEFT_OUT = frozenset({"series", "histogram", "description", "resets", "about", "why"})


def differences(first: Result, second: Result) -> list[dict[str, Any]]:
    """Every number or word that is not the same in both, by its path; ``change`` says by how
    much."""
    before, after = dict(_leaves(first, "")), dict(_leaves(second, ""))
    return [
        {"what": what, "first": before.get(what), "second": after.get(what),
         "change": _change(before.get(what), after.get(what))}
        for what in dict.fromkeys([*before, *after])
        if before.get(what) != after.get(what)
    ]  # fmt: skip


def result_in(file: Path) -> Result | None:
    """The result that a file holds; None if it is something else, such as a scenario."""
    try:
        found = msgspec.json.decode(file.read_bytes())
    except OSError as error:
        raise RatelordError(f"{file}: {error.strerror}; name a result or a scenario") from error
    except (msgspec.DecodeError, UnicodeError):
        return None
    known = isinstance(found, dict) and "totals" in found and "invariants" in found
    return found if known else None


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inside in value.items():
            if name not in _LEFT_OUT:
                yield from _leaves(inside, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for number, inside in enumerate(value):
            yield from _leaves(inside, f"{path}[{_label(inside, number)}]")
    else:
        yield path, value


def _label(inside: Any, number: int) -> str:
    if isinstance(inside, dict) and "metric" in inside:
        return (
            f"{inside['metric']} {inside['condition']} {inside['expected']:g} of {inside['scope']}"
        )
    return str(number)


def _change(before: Any, after: Any) -> str:
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in (before, after))
    if not numbers:
        return ""
    if not before:
        return f"{after - before:+g}"
    return f"{100 * (after - before) / abs(before):+.3g} %"
