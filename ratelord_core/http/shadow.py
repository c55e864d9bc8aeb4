"""``/v1/policy/shadow``: a policy evaluated beside the one in force."""

from __future__ import annotations

from typing import Final, Protocol

from ratelord_core.doors import Access, Building
from ratelord_core.http.exchange import Answer, Exchange, Reply, json_reply
from ratelord_core.http.operation import Operation
from ratelord_core.http.policy import DOCUMENT_MEDIA, SOURCE, read_document
from ratelord_core.model.shadow import ShadowView

PATH: Final = "/v1/policy/shadow"
_BODY_BYTES: Final = 4 * 1024 * 1024


class Shadowing(Protocol):
    """Whoever keeps the shadow."""

    def view(self) -> ShadowView:
        """As it stands now."""
        ...

    async def begin(self, document: str, source: str) -> ShadowView:
        """Evaluate this policy from now on. Raises ``PolicyError``."""
        ...

    async def end(self) -> ShadowView:
        """Evaluate none any more."""
        ...


class Shadows:
    """What HTTP does with the shadow."""

    def __init__(self, shadow: Shadowing) -> None:
        self._shadow = shadow

    async def show(self, exchange: Exchange) -> Answer:
        """The shadow policy, and how often it would have answered otherwise."""
        return json_reply(self._shadow.view())

    async def begin(self, exchange: Exchange) -> Answer:
        """Evaluate a policy beside the one in force from now on, in place of the one before.

        The body is the document (YAML or JSON), or `{"document": text or object}`. Only what it
        would have answered otherwise is logged, as `shadow_differed`.
        """
        text = await read_document(exchange, _BODY_BYTES)
        return json_reply(await self._shadow.begin(text, SOURCE))

    async def end(self, exchange: Exchange) -> Answer:
        """Evaluate no policy beside the one in force any more."""
        await self._shadow.end()
        return Reply(b"", status=204)

    def close(self) -> None:
        """Nothing goes on for ever here."""

    async def finish(self) -> None:
        """Nothing runs here: the daemon keeps the shadow."""


OPERATIONS: Final = (
    Operation("GET", PATH, Shadows.show, "administer", ShadowView),
    Operation(
        "POST",
        PATH,
        Shadows.begin,
        "administer",
        ShadowView,
        dict,
        problems=(422, 503),
        request_media=DOCUMENT_MEDIA,
        example={"document": "policies: []"},
    ),
    Operation("DELETE", PATH, Shadows.end, "administer", status=204),
)


class ShadowDoors:
    """Opens the door, before one daemon's shadow."""

    name = "shadow"
    path = PATH
    access: Access = "administer"
    operations: tuple[Operation, ...] = OPERATIONS

    def __init__(self, shadow: Shadowing) -> None:
        self._shadow = shadow

    def open(self, building: Building) -> Shadows:
        """The noun behind it."""
        return Shadows(self._shadow)
