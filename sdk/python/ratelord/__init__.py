"""Ask before you act: the client of a ratelord daemon.

from ratelord import Client

with Client() as client, client.guard("crawler", "pat:me", "repo_scan", "global") as permit:
    permit.actual_cost = scan()
"""

from ratelord.async_client import AsyncClient
from ratelord.client import Client
from ratelord.decision import (
    DecidedBy,
    Decision,
    Evaluation,
    Extension,
    Hold,
    Modifications,
    Registration,
    Risk,
    SettledHold,
    Settlement,
)
from ratelord.errors import (
    DaemonUnreachable,
    Denied,
    RatelordError,
    RequestRefused,
    UpstreamError,
)
from ratelord.permit import Permit
from ratelord.transport import VERSION

__version__ = VERSION

__all__ = [
    "AsyncClient",
    "Client",
    "DaemonUnreachable",
    "DecidedBy",
    "Decision",
    "Denied",
    "Evaluation",
    "Extension",
    "Hold",
    "Modifications",
    "Permit",
    "RatelordError",
    "Registration",
    "RequestRefused",
    "Risk",
    "SettledHold",
    "Settlement",
    "UpstreamError",
    "__version__",
]
