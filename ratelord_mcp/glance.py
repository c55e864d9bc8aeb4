"""A look at a message before the library reads it, which is silent about some without sense."""

from __future__ import annotations

from typing import Any, Final

import msgspec

_ASKABLE: Final = frozenset({"elicitation", "sampling"})
"""What a client of the handshake era declares when a server may ask it something."""

NO_MESSAGE: Final = (
    b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":'
    b'"this is no JSON-RPC message; send one object with jsonrpc, method and, to be answered, id"}}'
)


class Glance(msgspec.Struct):
    """What is looked at; all of it may be anything."""

    id: Any = msgspec.UNSET
    method: Any = None
    params: Any = None
    result: Any = msgspec.UNSET
    error: Any = msgspec.UNSET

    @property
    def is_answer(self) -> bool:
        """Whether it answers something: that is never answered in its turn."""
        answers = self.result is not msgspec.UNSET or self.error is not msgspec.UNSET
        return answers and not isinstance(self.method, str)

    def is_answerable(self) -> bool:
        """The library takes a request with an id of no use for a notification, and is silent."""
        fits = self.id is msgspec.UNSET or type(self.id) in (int, str)
        return fits or not isinstance(self.method, str)

    @property
    def client(self) -> str:
        """The name that a client which greets gives itself."""
        said = self.params.get("clientInfo") if isinstance(self.params, dict) else None
        name = said.get("name") if isinstance(said, dict) else None
        return name[:64] if isinstance(name, str) else ""

    def is_askable(self) -> bool:
        """Whether this opens a session for a client that can be asked."""
        able = self.params.get("capabilities") if isinstance(self.params, dict) else None
        return isinstance(able, dict) and not _ASKABLE.isdisjoint(able)


def glance(body: bytes | str) -> Glance | None:
    """What there is to see of a message; None if it is none, which the library will say."""
    try:
        return msgspec.json.decode(body, type=Glance)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
