"""What a daemon's interface offers, without a daemon too."""

from __future__ import annotations

from collections.abc import Iterable

from ratelord_core.doors import DoorFactory
from ratelord_core.http import backtests, shadow
from ratelord_core.http.mounts import TableFactory, operations_of
from ratelord_core.http.operation import Operation
from ratelord_core.http.routes import DEBUGGING, TABLE


def offered(*, debug: bool) -> tuple[Operation, ...]:
    """Those of the table that a daemon has."""
    return TABLE if debug else tuple(one for one in TABLE if one not in DEBUGGING)


def described(doors: Iterable[DoorFactory | TableFactory], *, debug: bool) -> tuple[Operation, ...]:
    """The operations of a daemon with these doors of plugins, in the order in which it has them."""
    own = (*backtests.OPERATIONS, *shadow.OPERATIONS)
    more = (one for factory in doors for one in operations_of(factory))
    return (*offered(debug=debug), *own, *more)
