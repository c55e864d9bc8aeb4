"""Import the protocol's library without the half that a server on standard input never uses.

``import mcp.anything`` runs ``mcp/__init__.py`` first, and that loads every client, transport and
framework that the library has: a third of the time that a host waits for us. Here the packages are
put in place without running them; the first name that somebody wants of one runs it after all.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any, Final, cast

HOMES: Final = {
    "mcp": {"types": "mcp.types", "MCPError": "mcp.shared.exceptions"},
    "mcp.server": {
        "Server": "mcp.server.lowlevel.server",
        "ServerRequestContext": "mcp.server.context",
    },
}
"""The packages, and where names that servers want of them come from."""


class Deferred(ModuleType):
    """A package whose ``__init__`` runs when it is asked for a name whose home is not known."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        home = HOMES[self.__name__].get(name)
        if home is not None:
            module = import_module(home)
            return module if home == f"{self.__name__}.{name}" else getattr(module, name)
        self.__class__ = ModuleType  # type: ignore[assignment]  # from now on, as any other
        spec = self.__spec__
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module(self)
        return getattr(self, name)


@contextmanager
def sparingly() -> Iterator[None]:
    """Import what is needed of the library, and little more, within this block.

    Packages that are loaded already stay as they are. uvicorn, which serves nothing here, is
    hidden for so long: a library of streams looks for it only to be told of its end.
    """
    for name in HOMES:
        if name not in sys.modules:
            _put_in_place(name)
    collecting = gc.isenabled()
    gc.disable()  # thousands of classes are made, and none of them is garbage
    hidden = sys.modules.setdefault("uvicorn", cast("ModuleType", None)) is None
    try:
        yield
    finally:
        if hidden:
            del sys.modules["uvicorn"]
        if collecting:
            gc.enable()


def _put_in_place(name: str) -> None:
    spec = find_spec(name)
    if spec is None:
        return  # importing it will say so
    module = module_from_spec(spec)
    module.__class__ = Deferred
    sys.modules[name] = module
    package, _, short = name.rpartition(".")
    if package:
        setattr(sys.modules[package], short, module)
