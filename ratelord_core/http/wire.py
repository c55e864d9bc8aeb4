"""Bytes to requests: one strict, fast decode; only when it fails, a careful one that says why.

Unknown fields are ignored, and named in ``X-Ratelord-Warning``.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar, cast

import msgspec

from ratelord_core.errors import FieldError, InvalidRequest
from ratelord_core.http.problems import HttpRefusal
from ratelord_core.wire.faults import Faults, invalid, refuse
from ratelord_core.wire.sifting import Request, sift

Read = TypeVar("Read")
_DIGITS: Final = 1000


class Codec(Generic[Request]):
    """Decodes the bodies of one kind of request."""

    def __init__(self, kind: type[Request]) -> None:
        self._kind = kind
        self._fast = msgspec.json.Decoder(_strict(kind)).decode

    def decode(self, body: bytes) -> tuple[Request, str]:
        """The request, and a warning ("" if there is none).

        Raises the 400 that says what is wrong: ``malformed_json``, or ``invalid_request`` with
        every field that is missing or of a wrong type.
        """
        check_bytes(body)
        try:
            return self._fast(body), ""
        except (msgspec.MsgspecError, ValueError, RecursionError):
            unknown: list[str] = []
            request = sift(read_tree(body), self._kind, unknown)
            return request, warning(unknown)


class BatchCodec(Generic[Request, Read]):
    """Decodes ``{field: [request, …]}``; ``read`` makes of each request what is asked for, or
    raises ``InvalidRequest``."""

    def __init__(
        self, kind: type[Request], field: str, most: int, read: Callable[[Request], Read]
    ) -> None:
        entries = types.GenericAlias(list, (_strict(kind),))
        wrapper = msgspec.defstruct("Batch", [(field, entries)], forbid_unknown_fields=True)
        self._kind = kind
        self._field = field
        self._most = most
        self._read = read
        self._fast = msgspec.json.Decoder(wrapper).decode

    def decode(self, body: bytes) -> tuple[list[Read], str]:
        """What was asked for, in order, and a warning; the 400s of ``Codec``, with every fault of
        every entry, named by its place."""
        check_bytes(body)
        read = self._read
        try:
            batch: list[Request] = getattr(self._fast(body), self._field)
            self._check_size(batch)
            return [read(one) for one in batch], ""
        except (msgspec.MsgspecError, ValueError, RecursionError, InvalidRequest):
            return self._carefully(body)

    def _carefully(self, body: bytes) -> tuple[list[Read], str]:
        tree = read_tree(body)
        entries = tree.get(self._field) if isinstance(tree, dict) else None
        if not isinstance(entries, list):
            raise invalid((FieldError(self._field, "is required: an array"),))
        self._check_size(entries)
        unknown = [name for name in tree if name != self._field]
        found: list[Read] = []
        faults: Faults = []
        for index, entry in enumerate(entries):
            place = f"{self._field}[{index}]"
            try:
                request = sift(entry, self._kind, unknown, place)
            except InvalidRequest as error:
                faults += error.fields
                continue
            try:
                found.append(self._read(request))
            except InvalidRequest as error:
                faults += [FieldError(f"{place}.{one.field}", one.message) for one in error.fields]
        refuse(faults)
        return found, warning(unknown)

    def _check_size(self, batch: list[Any]) -> None:
        if len(batch) > self._most:
            message = f"{len(batch)} entries; it takes at most {self._most}"
            raise invalid((FieldError(self._field, message),))


def check_bytes(body: bytes) -> None:
    """Refuse bytes that are no UTF-8, and NUL in either form: no name or text may hold one."""
    if not body.isascii():
        try:
            body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _malformed(f"byte {error.start} is not UTF-8") from None
    if b"\0" in body:
        raise _malformed(f"byte {body.index(0)} is NUL")
    if b"\\u0000" in body and _holds_nul(read_tree(body)):
        raise InvalidRequest("a text holds NUL (\\u0000); leave it out")


def read_tree(body: bytes) -> Any:
    """The body as plain values; the 400 if it is not JSON."""
    try:
        return msgspec.json.decode(body)
    except RecursionError:
        raise _malformed("it is nested too deeply") from None
    except msgspec.ValidationError:
        # A number that no float can hold: read as infinite, so that its field can be named.
        return json.loads(body, parse_int=_whole)
    except (msgspec.DecodeError, ValueError) as error:
        raise _malformed(str(error)) from None


def warning(unknown: list[str]) -> str:
    """The warning that names unknown fields, fit for a header."""
    if not unknown:
        return ""
    told = ", ".join(ascii(name)[1:-1] if len(name) <= 64 else "..." for name in unknown[:10])
    more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
    return f"unknown fields ignored: {told}{more}"


def _strict(kind: type[Request]) -> type[Request]:
    strict = msgspec.defstruct(
        f"Strict{kind.__name__}", [], bases=(kind,), frozen=True, forbid_unknown_fields=True
    )
    return cast("type[Request]", strict)


def _holds_nul(tree: Any) -> bool:
    if isinstance(tree, str):
        return "\0" in tree
    if isinstance(tree, dict):
        return any(_holds_nul(part) for pair in tree.items() for part in pair)
    return isinstance(tree, list) and any(_holds_nul(part) for part in tree)


def _whole(digits: str) -> float:
    """An integer; one of so many digits that Python will not read them is beyond every bound."""
    return int(digits) if len(digits) <= _DIGITS else float(digits)


def _malformed(what: str) -> HttpRefusal:
    return HttpRefusal(400, "malformed_json", f"the body is not JSON: {what}")
