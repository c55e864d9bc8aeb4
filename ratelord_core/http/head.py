"""What the head of a plain request says, read once for all requests that send the same bytes.

A client that keeps its connection open sends the same head again and again. What follows from these
bytes alone (how they are framed, which names they come under, what they ask for) is remembered by
them; who is asking, and whether that is still allowed, is found out for every request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from ratelord_core.doors import PromptDoor

_LONGEST: Final = 1024
"""Bytes of a head that is remembered."""
_REMEMBERED: Final = 512
"""Heads that are remembered: half a megabyte of them at most."""
_ONE_OFF: Final = (b"x-request-id", b"traceparent")
"""Headers that differ from request to request: a head with one is not sent again."""

Fields = Sequence[tuple[bytes, bytes]]


class Head(msgspec.Struct, frozen=True):
    """The head of a request that may go express. ``door`` takes it; None: it is a question.
    ``length`` is that of the body, if a header tells it (-1: none does)."""

    path: str
    fields: dict[bytes, bytes]
    door: PromptDoor | None
    authorization: bytes | None
    length: int


def length_of(fields: dict[bytes, bytes]) -> int:
    """The length of the body as a header tells it, else -1."""
    told = fields.get(b"content-length", b"")
    return int(told) if told.isdigit() else -1


class Heads:
    """Heads by their bytes, up to and with the empty line."""

    def __init__(self) -> None:
        self._known: dict[bytes, Head] = {}
        self.find = self._known.get

    def __len__(self) -> int:
        return len(self._known)

    def remember(self, sent: bytes, head: Head) -> None:
        """That these bytes, a head and its whole body, were read as this head."""
        end = len(sent) - head.length
        if head.length < 0 or end > _LONGEST or not sent.endswith(b"\r\n\r\n", 0, end):
            return
        if sent.find(b"\r\n\r\n") != end - 4 or any(name in head.fields for name in _ONE_OFF):
            return
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[sent[:end]] = head
