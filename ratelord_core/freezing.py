"""A state as bytes, and back: what a snapshot holds.

The bytes are Python's own serialization, which can call whatever it names. So nothing is thawed
that the log does not vouch for, and what is thawed may name classes of a few packages only: no
function, and of the interpreter's own names only plain containers.
"""

from __future__ import annotations

import copyreg
import io
import pickle
from collections.abc import Iterable
from types import MethodType
from typing import Any, Final

from ratelord_core.engine import State

_PROTOCOL: Final = 5
_PLAIN: Final = {
    "builtins": frozenset({"bytearray", "complex", "frozenset", "int", "object", "range", "set"}),
    "collections": frozenset({"Counter", "OrderedDict", "defaultdict", "deque"}),
    "msgspec._utils": frozenset({"rebuild"}),  # how records are made anew
    "numpy": frozenset({"dtype", "ndarray"}),
    "numpy._core.multiarray": frozenset({"_reconstruct", "scalar"}),
    "numpy._core.numeric": frozenset({"_frombuffer"}),
}
_OURS: Final = frozenset({"ratelord_core"})


class CannotFreeze(Exception):
    """This state cannot be written, or not so that it could be read again."""


class CannotThaw(Exception):
    """These bytes are not a state that this program can read."""


def freeze(state: State) -> bytes:
    """The state as bytes; it is not changed."""
    written = io.BytesIO()
    pickler = pickle.Pickler(written, _PROTOCOL)
    pickler.dispatch_table = copyreg.dispatch_table.copy()
    pickler.dispatch_table[MethodType] = _take_apart
    try:
        pickler.dump(state)
    except Exception as error:
        raise CannotFreeze(f"{type(error).__name__}: {error}") from error
    return written.getvalue()


def thaw(content: bytes, packages: Iterable[str]) -> State:
    """The state that was frozen. ``packages`` may have classes in it, beside the core's own."""
    try:
        state = _Thawer(io.BytesIO(content), _OURS.union(packages)).load()
    except Exception as error:
        raise CannotThaw(f"{type(error).__name__}: {error}") from error
    if not isinstance(state, State):
        raise CannotThaw(f"it is a {type(state).__name__}")
    return state


class Bound:
    """Makes a bound method anew: of an object of ours, and no special one."""

    def __new__(cls, owner: Any, name: str) -> Any:
        if name.startswith("__") or not type(owner).__module__.startswith("ratelord_"):
            raise CannotThaw(f"a method {name!r} of {type(owner).__name__}")
        return getattr(owner, name)


def _take_apart(method: MethodType) -> tuple[type[Bound], tuple[Any, str]]:
    return Bound, (method.__self__, method.__name__)


class _Thawer(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, packages: frozenset[str]) -> None:
        super().__init__(file)
        self._packages = packages

    def find_class(self, module: str, name: str) -> Any:
        plain = name in _PLAIN.get(module, ())
        if not plain and module.partition(".")[0] not in self._packages:
            raise CannotThaw(f"{module}.{name} is not among the packages that states are made of")
        found = super().find_class(module, name)
        if not plain and not isinstance(found, type):
            raise CannotThaw(f"{module}.{name} is no class")
        return found
