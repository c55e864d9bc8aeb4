"""The name of a request: the caller's own if it is well formed, else a fresh one."""

from __future__ import annotations

import re
from itertools import count

from ratelord_core.correlation import Correlation
from ratelord_core.model.ids import Entropy

_GIVEN = re.compile(rb"[A-Za-z0-9._:/@+=\-]{1,128}")
_TRACEPARENT = re.compile(
    rb"(?!ff)([0-9a-f]{2})-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(-.*)?"
)


class RequestIds:
    """Names requests; made-up names share a random beginning and are counted."""

    def __init__(self, entropy: Entropy) -> None:
        self._spans = int.from_bytes(entropy.random_bytes(8), "big") | 1
        self._prefix = f"req-{entropy.random_bytes(6).hex()}-"
        self._numbers = count(1)

    def name(self, headers: dict[bytes, bytes]) -> str:
        """``X-Request-Id``, else the trace id of ``traceparent`` (W3C), else a fresh name."""
        given = headers.get(b"x-request-id")
        if given is not None and _GIVEN.fullmatch(given):
            return given.decode("ascii")
        parent = headers.get(b"traceparent")
        if parent is not None and (found := _TRACEPARENT.fullmatch(parent.strip())):
            return found[2].decode("ascii")
        return f"{self._prefix}{next(self._numbers):x}"

    def correlation(self, headers: dict[bytes, bytes]) -> Correlation:
        """The same with the caller's trace, for whatever happens on behalf of this request."""
        named = Correlation(self.name(headers))
        parent = headers.get(b"traceparent")
        if parent is not None and (found := _TRACEPARENT.fullmatch(parent.strip())):
            named.trace_id = found[2].decode("ascii")
        return named

    def trace_line(self, headers: dict[bytes, bytes]) -> bytes:
        """The header line that tells a traced caller which span of its trace answered (W3C Trace
        Context, ``traceresponse``); empty for who is not traced."""
        parent = headers.get(b"traceparent")
        found = None if parent is None else _TRACEPARENT.fullmatch(parent.strip())
        if found is None:
            return b""
        # Even steps from an odd start: no two spans of a daemon's life are alike, and none is 0.
        self._spans = (self._spans + 0x9E3779B97F4A7C16) & 0xFFFFFFFFFFFFFFFF
        return b"traceresponse: 00-%s-%016x-%s\r\n" % (found[2], self._spans, found[4])
