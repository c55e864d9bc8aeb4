"""``capture``: whose calls are governed from then on."""

from __future__ import annotations

import sys
from typing import Any, Final, TypeVar

from ratelord.capturing.conversation import Names
from ratelord.capturing.speech import Speech
from ratelord.capturing.speeches import PLAIN, SPEECHES
from ratelord.capturing.transports import governed

C = TypeVar("C")

_TRANSPORT, _MOUNTS = "_transport", "_mounts"
"""Where these libraries keep what sends: no public name leads to the transports of a client that
exists already. ``governed`` makes one for a client that is yet to be made."""


def capture(
    client: C,
    *,
    provider_id: str | None = None,
    agent_id: str = "",
    identity_id: str = "sentinel:unknown",
    workload_id: str = "captured_call",
    scope_id: str = "global",
    urgency: str = "normal",
    max_wait: float | None = None,
    speech: str | None = None,
    governor: Any = None,
) -> C:
    """Govern every call that this client makes from now on; returns the client.

    ``client`` is one of the official ``openai`` or ``anthropic`` ones, an ``httpx2`` or ``httpx``
    client, a ``requests`` or an ``aiohttp`` session. ``provider_id`` is the account in the policy
    file, by default called as the provider is; ``speech`` how it speaks (``openai``, ``anthropic``,
    ``gemini``, ``github``, ``headers``), if the client does not give it away. ``max_wait``
    (seconds) is the longest wait.
    ``governor`` asks the daemon: a ``Client``, or an ``AsyncClient`` for clients that await.

    A denial is a response: the provider's own 429, with ``Retry-After`` where waiting helps.
    """
    said = _speech_of(client) if speech is None else speech
    if said not in SPEECHES:
        raise ValueError(f"speech {said!r} is not known; it is one of {', '.join(SPEECHES)}")
    names = Names(
        provider_id or said, agent_id, identity_id, workload_id, scope_id, urgency, max_wait
    )
    _wrap(getattr(client, "_client", client), SPEECHES[said], names, governor)
    return client


def _speech_of(client: object) -> str:
    home = type(client).__module__.partition(".")[0]
    known = [base.__module__.partition(".")[0] for base in type(client).__mro__]
    return next((name for name in (home, *known) if name in SPEECHES), PLAIN.name)


_FAMILIES: Final = frozenset({"aiohttp", "httpx", "httpx2", "requests"})


def _wrap(client: Any, speech: Speech, names: Names, governor: Any) -> None:
    homes = [base.__module__.partition(".")[0] for base in type(client).__mro__]
    family = next((home for home in homes if home in _FAMILIES), "")
    owns = governor is None
    if family == "requests":
        from ratelord.capturing.sessions import govern_session  # noqa: PLC0415 - for its users only

        govern_session(client, speech, names, governor)
        return
    if family == "aiohttp":
        from ratelord.capturing import aiohttp_sessions  # noqa: PLC0415 - for its users only

        asker = governor if governor is not None else _asker(awaits=True)
        aiohttp_sessions.govern_session(client, speech, names, asker, owns=owns)
        return
    if not family:
        kind = f"{type(client).__module__}.{type(client).__qualname__}"
        raise TypeError(
            f"cannot capture {kind}; give a client of openai, anthropic, httpx2 or httpx, or a "
            "session of requests or aiohttp; the proxy governs any other"
        )
    library = sys.modules[family]
    transport, mounts = getattr(client, _TRANSPORT), getattr(client, _MOUNTS)
    awaits = not hasattr(transport, "handle_request")
    asker = governor if governor is not None else _asker(awaits=awaits)
    main = _inner(transport)
    setattr(client, _TRANSPORT, governed(library, main, speech, names, asker, owns=owns))
    for pattern, mounted in list(mounts.items()):
        if mounted is not None:
            mounts[pattern] = governed(library, _inner(mounted), speech, names, asker)


def _inner(transport: Any) -> Any:
    """Captured anew, a client asks in its new names: never twice."""
    return getattr(transport, "inner", transport)


def _asker(*, awaits: bool) -> Any:
    if awaits:
        from ratelord.async_client import AsyncClient  # noqa: PLC0415 - loads an HTTP library

        return AsyncClient()
    from ratelord.client import Client  # noqa: PLC0415 - as above

    return Client()
