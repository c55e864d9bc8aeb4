"""One operation of the interface: what is dispatched, documented and tested is this record."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal

import msgspec

from ratelord_core.http.exchange import Answer, Exchange
from ratelord_core.http.parameters import Parameter
from ratelord_core.http.security import Access

Method = Literal["GET", "POST", "DELETE"]
Handle = Callable[[Any, Exchange], Awaitable[Answer]]
"""A method of the noun that answers, not bound to one yet."""

_LABEL: Final = re.compile(r"\{(\w+)(?::\w+)?\}")


class Operation(msgspec.Struct, frozen=True):
    """One method of one path.

    ``reply`` is the type of a good reply's JSON body (None: there is no JSON), ``status`` its
    status, ``media`` further types that it may have; ``unready``: the same body may come with a
    503. ``request`` is the type of the JSON body, ``request_media`` further types that are read.
    ``problems`` are statuses beside those that every operation may give. ``parameters`` are the
    query's and ``headers`` the request headers that are read. ``listed`` replies are compressed for
    who takes that, ``tagged`` ones carry an ETag.
    """

    method: Method
    path: str
    handle: Handle
    access: Access
    reply: Any = None
    request: Any = None
    parameters: tuple[Parameter, ...] = ()
    headers: tuple[Parameter, ...] = ()
    problems: tuple[int, ...] = ()
    media: tuple[str, ...] = ()
    request_media: tuple[str, ...] = ()
    optional_body: bool = False
    example: dict[str, Any] | None = None
    unready: bool = False
    listed: bool = False
    tagged: bool = False
    status: int = 200

    @property
    def noun(self) -> str:
        """What it is about: the class that answers."""
        return self.handle.__qualname__.partition(".")[0]

    @property
    def name(self) -> str:
        """A name that no other operation has."""
        return self.handle.__qualname__.replace(".", "_").lower()

    @property
    def summary(self) -> str:
        """What it does, in one line."""
        return (inspect.getdoc(self.handle) or "").partition("\n")[0].rstrip(".")

    @property
    def description(self) -> str:
        """The rest of what is to be said."""
        return (inspect.getdoc(self.handle) or "").partition("\n")[2].strip()

    @property
    def path_names(self) -> tuple[str, ...]:
        """The names of the path's variable parts."""
        return tuple(_LABEL.findall(self.path))

    @property
    def public_path(self) -> str:
        """The path as documents write it, without the router's own signs."""
        return _LABEL.sub(r"{\1}", self.path)
