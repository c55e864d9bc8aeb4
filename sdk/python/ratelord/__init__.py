"""Ask before you act: the client of a ratelord daemon.

from ratelord import Client

with Client() as client, client.guard("crawler", "pat:me", "repo_scan", "global") as permit:
    permit.actual_cost = scan()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ratelord.decision import (
    DecidedBy,
    Decision,
    Evaluation,
    Extension,
    Hold,
    Modifications,
    Observed,
    Registration,
    Risk,
    SettledHold,
    Settlement,
)
from ratelord.errors import (
    ClientClosed,
    DaemonUnreachable,
    Denied,
    RatelordError,
    RequestRefused,
    UpstreamError,
)
from ratelord.permit import Permit
from ratelord.transport import VERSION

if TYPE_CHECKING:
    from ratelord.async_client import AsyncClient
    from ratelord.capturing import capture
    from ratelord.client import Client

__version__ = VERSION

__all__ = [
    "AsyncClient",
    "Client",
    "ClientClosed",
    "DaemonUnreachable",
    "DecidedBy",
    "Decision",
    "Denied",
    "Evaluation",
    "Extension",
    "Hold",
    "Modifications",
    "Observed",
    "Permit",
    "RatelordError",
    "Registration",
    "RequestRefused",
    "Risk",
    "SettledHold",
    "Settlement",
    "UpstreamError",
    "__version__",
    "capture",
]


def __getattr__(name: str) -> Any:
    """The clients, loaded by whoever names one: their HTTP library is most of the start-up time of
    a short program, and those that only read records or errors do without."""
    homes = {
        "Client": "ratelord.client",
        "AsyncClient": "ratelord.async_client",
        "capture": "ratelord.capturing",
    }
    if name not in homes:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(homes[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
