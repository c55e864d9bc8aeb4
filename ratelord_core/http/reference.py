"""The interface described: the OpenAPI document, and a page of it that loads nothing."""

from __future__ import annotations

from functools import cached_property

from ratelord_core.http.exchange import Answer, Exchange, Reply
from ratelord_core.http.openapi import document, published
from ratelord_core.http.operation import Operation
from ratelord_core.http.reference_page import STYLE, content_policy, render


class Reference:
    """What HTTP says of itself; made when first asked for, and kept."""

    def __init__(self, operations: tuple[Operation, ...]) -> None:
        self._operations = operations

    @cached_property
    def _published(self) -> bytes:
        return published(self._operations)

    @cached_property
    def _page(self) -> Reply:
        style = STYLE.read_text(encoding="utf-8")
        return Reply(
            render(document(self._operations), style).encode(),
            content_type=b"text/html; charset=utf-8",
            headers=((b"content-security-policy", content_policy(style)),),
        )

    async def document(self, _exchange: Exchange) -> Answer:
        """This interface as an OpenAPI 3.1 document."""
        return Reply(self._published)

    async def page(self, _exchange: Exchange) -> Answer:
        """This interface as a page to read; it loads nothing from anywhere."""
        return self._page
