"""Reading a query string: known names, each with its type, faults told together."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import parse_qsl

from ratelord_core.errors import FieldError, InvalidRequest
from ratelord_core.http.exchange import Exchange
from ratelord_core.model.instant import Micros
from ratelord_core.wire.faults import invalid, shown
from ratelord_core.wire.timestamp import read_timestamp

Found = TypeVar("Found")
_LARGEST = 2**63 - 1


class Query:
    """The parameters of one request. Read what there is, then call ``finish``."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._declared = exchange.declared
        self._given = _parameters(exchange)
        self._read: set[str] = set()
        self._faults: list[FieldError] = []

    def text(self, name: str) -> str | None:
        """The last value of a parameter; an empty one counts as absent."""
        self._note(name)
        values = self._given.get(name)
        return (values[-1] or None) if values else None

    def texts(self, name: str) -> tuple[str, ...]:
        """All values of a parameter, repeated or separated by commas."""
        self._note(name)
        joined = ",".join(self._given.get(name, ()))
        return tuple(part.strip() for part in joined.split(",") if part.strip())

    def number(self, name: str, default: int, least: int = 0, most: int = _LARGEST) -> int:
        """A whole number within bounds."""
        found = self.optional_number(name, least, most)
        return default if found is None else found

    def optional_number(self, name: str, least: int = 0, most: int = _LARGEST) -> int | None:
        """A whole number within bounds, or None."""
        text = self.text(name)
        if text is None:
            return None
        plain = text.isascii() and text.isdigit() and len(text) < 20
        if plain and least <= int(text) <= most:
            return int(text)
        self.wrong(name, f"{shown(text)} is not a whole number from {least} to {most}")
        return None

    def choice(self, name: str, options: tuple[str, ...]) -> str:
        """One of some words; the first is the default."""
        text = self.text(name)
        if text is None or text in options:
            return text or options[0]
        self.wrong(name, f"{shown(text)} is not one of {', '.join(options)}")
        return options[0]

    def instant(self, name: str) -> Micros | None:
        """An RFC 3339 time, or None."""
        text = self.text(name)
        if text is None:
            return None
        try:
            # A plus sign that was not encoded arrives as a space.
            return read_timestamp(text.replace(" ", "+"))
        except (ValueError, OverflowError):
            example = "2026-01-31T12:00:00Z"
            self.wrong(name, f"{shown(text)} is not an RFC 3339 time such as {example}")
            return None

    def _note(self, name: str) -> None:
        if self._declared is not None and name not in self._declared:
            raise LookupError(f"the route table does not declare the parameter {name}")
        self._read.add(name)

    def wrong(self, name: str, message: str) -> None:
        """Note what is wrong with a parameter."""
        self._faults.append(FieldError(name, message))

    def finish(self) -> None:
        """Raise ``InvalidRequest`` with everything wrong; warn of parameters nobody read."""
        if self._faults:
            raise invalid(tuple(self._faults))
        unread = sorted(set(self._given) - self._read)
        if unread:
            names = ", ".join(ascii(name[:64])[1:-1] for name in unread[:10])
            self._exchange.warning = f"unknown parameters ignored: {names}"


def _parameters(exchange: Exchange) -> dict[str, list[str]]:
    raw: bytes = exchange.scope["query_string"]
    found: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100
        )
    except ValueError as error:
        raise InvalidRequest(f"the query string cannot be read: {error}") from None
    for name, value in pairs:
        if "\0" in value:
            raise InvalidRequest(f"parameter {shown(name)} holds NUL; leave it out")
        found.setdefault(name, []).append(value)
    return found
