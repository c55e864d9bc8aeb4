"""How a pool is divided: ``per``, ``reserve`` and ``shares``."""

from __future__ import annotations

import re
from typing import Any

import yaml

from ratelord_core.model.pool import WHOLE, Share
from ratelord_core.model.window import Window
from ratelord_core.policy.fields import Fields, entries
from ratelord_core.policy.reading import Reading, nearest
from ratelord_core.policy.values import number, one_of, text

_NAMES = ("agent", "identity", "workload", "scope")
_BY_KEY = re.compile(r"(label:|client_context\.)\S{1,200}")
_KINDS = (*(f"{name}:" for name in _NAMES), "label:")
_SHARED = ("fixed", "calendar")
NO_SHARES = "give whoever it is a pool of its own: {shared_by: [...]}"
_PERCENT = WHOLE // 100


def per(node: yaml.Node, path: str, reading: Reading) -> str | None:
    """What has an amount of its own for each value."""
    value = text(node, path, reading)
    if value is None or value in _NAMES or _BY_KEY.fullmatch(value):
        return value
    hint = nearest(value, _NAMES, few=0) or "write label:KEY or client_context.KEY for other values"
    reading.found(node, path, f"{value!r} is not one of {', '.join(_NAMES)}", hint)
    return None


def percent(node: yaml.Node, path: str, reading: Reading) -> int | None:
    """A percentage, 0 to 100, in millionths of a percent."""
    value = number(node, path, reading)
    if value is None or value <= 100:
        return None if value is None else round(value * _PERCENT)
    reading.found(node, path, f"must be from 0 to 100, not {value:g}")
    return None


def reserve(node: yaml.Node, path: str, reading: Reading) -> int | None:
    """The part that is kept for urgent intents: ``{urgency: high, percent: 5}``."""
    if isinstance(node, yaml.ScalarNode):
        return percent(node, path, reading)
    fields = Fields(node, path, reading)
    fields.get(one_of("high"), "high", "urgency")
    kept = fields.need(percent, "percent")
    fields.close()
    return kept


def shares(node: yaml.Node, path: str, reading: Reading) -> tuple[Share, ...] | None:
    """The parts of a pool by who they are for: ``agent:deployer: 20``, or ``{least: 20, most:
    50}``."""
    found = []
    for of, (key, value) in entries(node, path, reading).items():
        where = f"{path}.{of}"
        kind = next((kind for kind in _KINDS if of.startswith(kind)), "")
        if not kind or of == kind:
            hint = "write agent:NAME, identity:NAME, workload:NAME, scope:NAME or label:KEY:VALUE"
            reading.found(key, where, f"{of!r} names nobody who could have a share", hint)
        found.append(_share(of, value, where, reading))
    if sum(share.least for share in found) > WHOLE:
        reading.found(node, path, "the shares add up to more than 100 percent")
    return tuple(found)


def _share(of: str, node: yaml.Node, path: str, reading: Reading) -> Share:
    if isinstance(node, yaml.ScalarNode):
        return Share(of, percent(node, path, reading) or 0)
    fields = Fields(node, path, reading)
    share = Share(of, fields.get(percent, 0, "least"), fields.maybe(percent, "most"))
    fields.close()
    if share.most is not None and share.most < share.least:
        reading.found(node, path, "'most' is less than 'least'")
    return share


def check_division(fields: Fields, by: str, window: Window | None, parts: Any) -> None:
    """What cannot be divided like that is a finding."""
    kind = None if window is None else window.kind
    endless = window is None or (kind == "fixed" and window.every is None) or kind == "unbounded"
    place = fields.at("per")
    if by and endless and place is not None:
        message = "an amount for each value needs a window that refills: it would be kept for ever"
        hint = "say window: {kind: sliding, every: 24h}, or fixed or calendar"
        fields.reading.found(place, fields.path_of("per"), message, hint)
    # A window that could not be read has its own finding; none at all is an unbounded one.
    check_shares(fields, "unbounded" if fields.at("window") is None else kind, parts)
    place = fields.at("shares")
    if by and parts and place is not None:
        fields.reading.found(place, fields.path_of("shares"), "'per' divides the pool already")


def check_shares(fields: Fields, kind: str | None, parts: Any) -> None:
    """Shares of a window that has none are a finding; a ``kind`` of None is not known here."""
    place = fields.at("shares")
    message = "" if kind is None or not parts else no_shares(kind)
    if place is not None and message:
        fields.reading.found(place, fields.path_of("shares"), message, NO_SHARES)


def no_shares(kind: str) -> str:
    """Why a window of that kind cannot be shared out; "" if it can."""
    if kind in _SHARED:
        return ""
    article = "an" if kind == "unbounded" else "a"
    return f"{article} {kind} window has no shares; they belong to fixed and calendar windows"
