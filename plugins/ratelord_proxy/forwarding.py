"""Which headers go on to the provider, and which come back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from ratelord.capturing.conversation import Names
from ratelord.capturing.decoding import readable
from ratelord_proxy.exchange import RawHeaders

_HOP: Final = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer"}
    | {"transfer-encoding", "upgrade", "proxy-connection"}
)
_OWN: Final = frozenset({"host", "expect", "accept-encoding"})
"""Headers of a request that are said anew."""
_OURS: Final = "x-ratelord-"
_NAMES: Final = {
    "x-ratelord-agent": "agent_id",
    "x-ratelord-identity": "identity_id",
    "x-ratelord-workload": "workload_id",
    "x-ratelord-scope": "scope_id",
    "x-ratelord-urgency": "urgency",
}


def names_of(names: Names, headers: Mapping[str, str]) -> Names:
    """The names that a request brings itself, the proxy's for the others."""
    told = {field: headers[header] for header, field in _NAMES.items() if headers.get(header)}
    return replace(names, **told) if told else names


def outward(raw: RawHeaders, headers: Mapping[str, str], *, sized: bool) -> RawHeaders:
    """What goes on: neither what belongs to this connection, nor what was said to us. ``sized``:
    the body's length is known to who sends it.

    Of the codings that the caller takes only those are passed on that its usage can be read in."""
    left = _HOP | _OWN | _listed(headers) | ({"content-length"} if sized else set())
    passed = [
        (name, value)
        for name, value in raw
        if (text := name.decode("latin-1")) not in left and not text.startswith(_OURS)
    ]
    accepted = headers.get("accept-encoding")
    codings = [] if accepted is None else [one.strip() for one in accepted.split(",")]
    known = [one for one in codings if one.partition(";")[0].strip().lower() in readable()]
    # Unsaid is anything goes, which is more than the caller may have meant or we can read.
    return [*passed, (b"accept-encoding", ", ".join(known).encode() or b"identity")]


def inward(raw: RawHeaders, headers: Mapping[str, str], upstream: str) -> RawHeaders:
    """What comes back. A redirect within the provider leads here again, where it is governed; one
    that leads elsewhere is the caller's to follow, or not."""
    left = _HOP | _listed(headers)
    back = []
    for name, value in raw:
        text = name.decode("latin-1").lower()
        if text in left:
            continue
        if text == "location" and value.startswith(f"{upstream}/".encode()):
            value = value[len(upstream) :]  # noqa: PLW2901 - the same header, seen from here
        back.append((text.encode("latin-1"), value))
    return back


def _listed(headers: Mapping[str, str]) -> set[str]:
    return {name.strip().lower() for name in headers.get("connection", "").split(",") if name}
