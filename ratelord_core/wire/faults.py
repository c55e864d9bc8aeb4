"""What is wrong with a request's fields, found one by one and told together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from ratelord_core.errors import FieldError, InvalidRequest
from ratelord_core.model.ids import DELETED, SYSTEM, is_id
from ratelord_core.model.pool import MAX_UNITS

LONGEST_SPAN: Final = 366 * 86_400.0
"""Seconds: no wait, duration or extension is longer than a leap year."""
LONGEST_TEXT: Final = 256
TEXT_PATTERN: Final = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+$"
"""Texts without control characters, and without those that turn or break a line of a log."""
_PLAIN: Final = re.compile(TEXT_PATTERN.removesuffix("$") + r"\Z").match
_ID_RULE = "1-256 characters of A-Z a-z 0-9 . _ : / @ + -"


Faults = list[FieldError]
"""What was found so far; the checks below add to it."""


@lru_cache(maxsize=4096)  # the same few names are sent again and again; only short ones are kept
def _may_name(text: str) -> bool:
    return is_id(text) and text not in (SYSTEM, DELETED)


def are_names(texts: tuple[str, ...]) -> bool:
    """Whether each of these may be an id: True for most, at the price of one lookup; False may
    also mean that they are too long to be remembered."""
    return sum(map(len, texts)) <= LONGEST_TEXT and _may_all_name(texts)


@lru_cache(maxsize=4096)
def _may_all_name(texts: tuple[str, ...]) -> bool:
    return all(map(_may_name, texts))


def refuse(faults: Faults) -> None:
    """Raise ``InvalidRequest`` that names every fault; nothing if there is none."""
    if faults:
        raise invalid(tuple(faults))


def invalid(found: tuple[FieldError, ...]) -> InvalidRequest:
    """The refusal for these faults."""
    return InvalidRequest.naming(found)


def check_id(faults: Faults, field: str, value: str | None) -> None:
    """An id that is given must be well formed."""
    if value is None or (len(value) <= LONGEST_TEXT and _may_name(value)):
        return
    if not is_id(value):
        faults.append(FieldError(field, f"{shown(value)} is not an id: {_ID_RULE}"))
    if value in (SYSTEM, DELETED):
        faults.append(FieldError(field, f"{value} is the daemon's own name; take another"))


def check_provider(faults: Faults, field: str, value: str | None) -> None:
    """A provider id holds no slash."""
    check_id(faults, field, value)
    if value is not None and "/" in value:
        faults.append(FieldError(field, f"{shown(value)} holds a slash; a provider id does not"))


def check_amount(faults: Faults, field: str, value: float | None) -> None:
    """Amounts are 0 to 2^53-1; fractions are rounded up later."""
    if value is not None and not 0 <= value <= MAX_UNITS:
        message = f"{value:.17g} is not an amount from 0 to {MAX_UNITS}"
        faults.append(FieldError(field, message))


def check_whole(faults: Faults, field: str, value: float | None) -> None:
    """Amounts that may not be rounded: up would admit too much, and down is not said."""
    check_amount(faults, field, value)
    if value is not None and 0 <= value <= MAX_UNITS and value != int(value):
        faults.append(FieldError(field, f"{value:.17g} is not a whole number"))


def check_costs(faults: Faults, field: str, costs: Mapping[str, float] | None) -> None:
    """Costs are amounts by pool key ``provider_id/pool_id``."""
    if not costs:
        return
    for key, value in costs.items():
        if not is_id(key) or "/" not in key:
            rule = "is not a pool key: provider_id/pool_id"
            faults.append(FieldError(field, f"{shown(key)} {rule}"))
        if not 0 <= value <= MAX_UNITS:
            check_amount(faults, f"{field}.{shown(key)}", value)


def check_span(faults: Faults, field: str, seconds: float | None) -> None:
    """Spans are seconds, from 0 to a year."""
    if seconds is not None and not 0 <= seconds <= LONGEST_SPAN:
        rule = f"is not a number of seconds from 0 to {LONGEST_SPAN:.0f}"
        faults.append(FieldError(field, f"{seconds:.17g} {rule}"))


def check_text(faults: Faults, field: str, value: str | None, longest: int = LONGEST_TEXT) -> None:
    """Texts that are given are not empty, not long, and hold no control characters."""
    if value is None:
        return
    if not 1 <= len(value) <= longest:
        message = f"{len(value)} characters; it takes 1 to {longest}"
        faults.append(FieldError(field, message))
    elif not _PLAIN(value):
        faults.append(FieldError(field, "holds control characters"))


def check_map(faults: Faults, field: str, entries: Mapping[str, str] | None) -> None:
    """Labels and the like: at most 64 short texts."""
    if not entries:
        return
    if len(entries) > 64:
        faults.append(FieldError(field, f"{len(entries)} entries; it takes at most 64"))
        return
    for key, value in entries.items():
        check_text(faults, f"{field}.{shown(key)}", key)
        if value:
            check_text(faults, f"{field}.{shown(key)}", value, 1024)


def shown(text: str) -> str:
    """A stranger's text, safe and short enough to be shown in a message."""
    cut = text if len(text) <= 64 else text[:61] + "..."
    return ascii(cut) if not cut.isprintable() or not cut else repr(cut)
