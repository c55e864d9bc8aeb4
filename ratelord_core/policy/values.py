"""Single values of a policy file: each reader takes a node and gives a checked value, or None and
a finding."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import yaml

from ratelord_core.model.ids import is_id
from ratelord_core.model.instant import Micros
from ratelord_core.model.pool import MAX_UNITS
from ratelord_core.model.span import parse_span
from ratelord_core.policy.reading import Reading, nearest

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_FLAGS = {
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "on", "On"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "off", "Off"), False),
}
_WHOLE = re.compile(r"[-+]?[0-9][0-9_]{0,17}")
_NUMBER = re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")


def is_null(node: yaml.Node) -> bool:
    """Whether the node says nothing: absent, ``null``, ``~``."""
    return isinstance(node, yaml.ScalarNode) and not node.style and node.value in _NULL


def plain(node: yaml.Node) -> Any:
    """The node as a plain Python value; numbers and words as JSON has them, no dates."""
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [plain(item) for item in node.value]
    text = str(node.value)
    return text if getattr(node, "style", None) else _unquoted(text)


def _unquoted(text: str) -> Any:
    if text in _NULL:
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _WHOLE.fullmatch(text):
        return int(text.replace("_", ""))
    if _NUMBER.fullmatch(text) and math.isfinite(value := float(text.replace("_", ""))):
        return value
    return text


def _shown(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    text = str(node.value)
    return repr(text if len(text) <= 60 else text[:57] + "...")


def text(node: yaml.Node, path: str, reading: Reading) -> str | None:
    """Any text; numbers are taken as they are written."""
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    reading.found(node, path, f"must be text, not {_shown(node)}")
    return None


def name(node: yaml.Node, path: str, reading: Reading) -> str | None:
    """An id of 1–256 characters of ``[A-Za-z0-9._:/@+-]``."""
    value = text(node, path, reading)
    if value is None or is_id(value):
        return value
    hint = "1 to 256 characters of A-Z a-z 0-9 . _ : / @ + -"
    reading.found(node, path, f"{_shown(node)} cannot be an id", hint)
    return None


def title(node: yaml.Node, path: str, reading: Reading) -> str | None:
    """A name for people: 1–256 printable characters on one line."""
    value = text(node, path, reading)
    if value is None or (0 < len(value) <= 256 and value.isprintable()):
        return value
    reading.found(node, path, f"{_shown(node)} cannot be a name", "1 to 256 printable characters")
    return None


def flag(node: yaml.Node, path: str, reading: Reading) -> bool | None:
    """True or false."""
    value = _FLAGS.get(str(node.value)) if isinstance(node, yaml.ScalarNode) else None
    if value is None:
        reading.found(node, path, f"must be true or false, not {_shown(node)}")
    return value


def whole(node: yaml.Node, path: str, reading: Reading) -> int | None:
    """Whole units, 0 … 2^53-1."""
    value = plain(node)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_UNITS:
        return value
    message = f"must be a whole number from 0 to {MAX_UNITS}, not {_shown(node)}"
    reading.found(node, path, message)
    return None


def integer(node: yaml.Node, path: str, reading: Reading) -> int | None:
    """A whole number of either sign, such as a priority."""
    value = plain(node)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_UNITS:
        return value
    reading.found(node, path, f"must be a whole number, not {_shown(node)}")
    return None


def number(node: yaml.Node, path: str, reading: Reading) -> float | None:
    """A number that is not negative."""
    value = plain(node)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= MAX_UNITS:
        return float(value)
    reading.found(node, path, f"must be a number, 0 or more, not {_shown(node)}")
    return None


def positive(node: yaml.Node, path: str, reading: Reading) -> float | None:
    """A number above 0."""
    value = number(node, path, reading)
    if value != 0:
        return value
    reading.found(node, path, f"must be more than 0, not {_shown(node)}")
    return None


def span(node: yaml.Node, path: str, reading: Reading) -> Micros | None:
    """A length of time in µs: ``30s``, ``1h30m``, ``500ms``; a bare number is seconds."""
    try:
        return parse_span(_span_text(node))
    except ValueError:
        hint = "write 500ms, 30s, 5m, 1h30m, 7d or a number of seconds, up to 100 years"
        reading.found(node, path, f"{_shown(node)} is not a length of time", hint)
        return None


def _span_text(node: yaml.Node) -> str:
    written = str(node.value) if isinstance(node, yaml.ScalarNode) else ""
    plain_number = _NUMBER.fullmatch(written)  # YAML's may have a sign, and 1_000 for 1000
    return written.replace("_", "").removeprefix("+") if plain_number else written


def long_span(node: yaml.Node, path: str, reading: Reading) -> Micros | None:
    """A length of time above 0, in µs."""
    value = span(node, path, reading)
    if value != 0:
        return value
    reading.found(node, path, f"must be longer than 0, not {_shown(node)}")
    return None


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def zone(node: yaml.Node, path: str, reading: Reading) -> str | None:
    """The name of an IANA time zone."""
    value = text(node, path, reading)
    if value is None:
        return None
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        hint = reading.guesses.nearest(value, _zones()) or "use an IANA name such as Europe/Madrid"
        reading.found(node, path, f"{value!r} is not a time zone", hint)
        return None
    return value


def one_of(*allowed: str) -> Callable[[yaml.Node, str, Reading], str | None]:
    """A reader of one word out of these."""

    def read(node: yaml.Node, path: str, reading: Reading) -> str | None:
        value = text(node, path, reading)
        if value is None or value in allowed:
            return value
        message = f"{value!r} is not one of {', '.join(allowed)}"
        reading.found(node, path, message, nearest(value, allowed, few=0))
        return None

    return read


def names(node: yaml.Node, path: str, reading: Reading) -> tuple[str, ...] | None:
    """A list of texts; a single text is a list of one."""
    if isinstance(node, yaml.ScalarNode):
        return (str(node.value),)
    if not isinstance(node, yaml.SequenceNode):
        reading.found(node, path, f"must be a list, not {_shown(node)}")
        return None
    read = [text(item, f"{path}[{at}]", reading) for at, item in enumerate(node.value)]
    return tuple(item for item in read if item is not None)
