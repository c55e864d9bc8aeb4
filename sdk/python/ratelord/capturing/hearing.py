"""What is heard of a response while it passes: its usage, and never the response itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ratelord.capturing.decoding import Decoder, decoder
from ratelord.capturing.speech import Speech, Usage, read_json

MAX_HEARD: Final = 8 * 1024 * 1024
"""Bytes of a response, or of one event of a stream, that are kept to look for its usage."""
MAX_FLOWED: Final = 64 * 1024 * 1024
"""Bytes of a stream that are looked through, decoded."""
_LAST: Final = frozenset({"message_stop", "response.completed", "response.incomplete"})
"""Events after which a stream has nothing more to say."""


class Hearing:
    """One response. Pieces are as the provider sent them, or ``decoded`` by the library already.

    A body is kept until its end, if it is JSON; of a stream only the events that tell its usage.
    Nothing here fails for what it hears: what cannot be read, or is too long, is not ``heard``.
    """

    def __init__(self, speech: Speech, headers: Mapping[str, str], *, decoded: bool) -> None:
        kind = headers.get("content-type", "").lower()
        coding = "" if decoded else headers.get("content-encoding", "")
        self._speech = speech
        self._flows = "event-stream" in kind
        self._decode: Decoder | None = decoder(coding)
        self._room = MAX_FLOWED if self._flows else MAX_HEARD
        self._kept = bytearray()
        self._telling: list[Any] = []
        self.heard = self._decode is not None and (self._flows or "json" in kind or not kind)
        self.flowed = 0
        """About how many tokens came so far, of a stream."""
        self.whole = False
        """Whether a stream said that it has nothing more to say: many read no further."""

    def hear(self, piece: bytes) -> None:
        """The next piece."""
        if not self.heard or self._decode is None:
            return
        try:
            plain = self._decode(piece, self._room)
        except Exception:  # noqa: BLE001 - codings raise what they like; a call that ran is no failure
            self._give_up()
            return
        self._room -= len(plain)
        self._kept += plain
        if self._flows:
            self._read_events(self._kept.rfind(b"\n") + 1)

    def end(self) -> None:
        """Nothing comes any more."""
        if self._flows:
            self._read_events(len(self._kept))
        elif self.heard and self._kept:
            body = self._speech.read(bytes(self._kept))
            self._telling = body if isinstance(body, list) else [body]
        self._kept.clear()

    @property
    def usage(self) -> Usage | None:
        """What the response says it used, as far as it came."""
        return self._speech.used(self._telling)

    @property
    def told(self) -> Mapping[str, str]:
        """What the body of a refusal tells of limits, as headers."""
        return self._speech.told(self._telling[0] if self._telling else None)

    def _give_up(self) -> None:
        self.heard = False
        self._kept.clear()

    def _read_events(self, complete: int) -> None:
        """Read the lines that are complete, and keep the beginning of the next."""
        lines = bytes(self._kept[:complete]).splitlines()
        del self._kept[:complete]
        for line in lines:
            name, _, value = line.partition(b":")
            if name == b"data":
                self._read_event(value.strip())
        if len(self._kept) > MAX_HEARD:
            self._give_up()

    def _read_event(self, data: bytes) -> None:
        event = read_json(data)
        kind = event.get("type") if isinstance(event, dict) else None
        self.whole = data == b"[DONE]" or (isinstance(kind, str) and kind in _LAST)
        self.flowed += self._speech.flowed((event,))
        if self._speech.used((event,)) is not None:
            # The first tells the input, each later one all of the output so far.
            self._telling = [*self._telling[:1], event]
