"""``/v1/policy/shadow``: a policy evaluated beside the one in force."""

from __future__ import annotations

from typing import Any, Final, Protocol

import msgspec

from ratelord_core.doors import Access, Building, OpenDoor, Receive, Scope, Send
from ratelord_core.errors import InvalidRequest
from ratelord_core.http.job_door import YAML, answer, media_type, whole_body
from ratelord_core.http.problems import HttpRefusal

PATH: Final = "/v1/policy/shadow"
SOURCE: Final = "request"
_BODY_BYTES: Final = 1024 * 1024


class Shadowing(Protocol):
    """Whoever keeps the shadow."""

    def view(self) -> Any:
        """As it stands now."""
        ...

    async def begin(self, document: str, source: str) -> Any:
        """Evaluate this policy from now on. Raises ``PolicyError``."""
        ...

    async def end(self) -> Any:
        """Evaluate none any more."""
        ...


class ShadowDoors:
    """Opens the door, before one daemon's shadow."""

    name = "shadow"
    path = PATH
    access: Access = "administer"

    def __init__(self, shadow: Shadowing) -> None:
        self._shadow = shadow

    def open(self, building: Building) -> OpenDoor:
        """The door."""
        return ShadowDoor(self._shadow)


class ShadowDoor:
    """GET shows it, POST sets it (the document, or ``{"document": …}``), DELETE takes it away."""

    def __init__(self, shadow: Shadowing) -> None:
        self._shadow = shadow

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method = scope["method"]
        if scope["path"].rstrip("/") != PATH:
            raise HttpRefusal(404, "not_found", f"nothing is there; {PATH} is the shadow")
        if method in ("GET", "HEAD"):
            await answer(send, 200, self._shadow.view())
        elif method == "POST":
            kind = media_type(scope)
            body = await whole_body(receive, _BODY_BYTES)
            text = _document(body, yaml=kind in YAML)
            await answer(send, 200, await self._shadow.begin(text, SOURCE))
        elif method == "DELETE":
            await self._shadow.end()
            await answer(send, 204, None)
        else:
            allow = b"GET, HEAD, POST, DELETE"
            message = f"{method} does not fit here; use {allow.decode()}"
            raise HttpRefusal(405, "method_not_allowed", message, ((b"allow", allow),))

    def close(self) -> None:
        """Nothing goes on for ever here."""

    async def finish(self) -> None:
        """Nothing runs here: the daemon keeps the shadow."""


def _document(body: bytes, *, yaml: bool) -> str:
    try:
        text = body.decode("utf-8")
        if yaml:
            return text
        plain = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"the body is no policy document: {error}") from error
    document = plain.get("document", plain)
    return document if isinstance(document, str) else msgspec.json.encode(document).decode()
