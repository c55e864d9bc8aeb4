"""Every route on one page: what is asked where, who may, what it takes and what it answers.

The table dispatches, and the published document, the reference page and the tests are made from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from starlette.routing import Route

from ratelord_core.graph import Snapshot
from ratelord_core.http import events, graph
from ratelord_core.http.endpoint import Endpoint
from ratelord_core.http.events import Events
from ratelord_core.http.graph import Graph, PathView
from ratelord_core.http.health import Health, StatusView
from ratelord_core.http.identities import Identities
from ratelord_core.http.intents import BatchRequest, Decisions, Intents
from ratelord_core.http.log import Log
from ratelord_core.http.metrics import OPENMETRICS, Metrics
from ratelord_core.http.observations import Observations
from ratelord_core.http.operation import Operation
from ratelord_core.http.paging import Page
from ratelord_core.http.parameters import (
    AGENT,
    IDEMPOTENCY_KEY,
    IDENTITY,
    PAGE,
    POOL,
    SCOPE,
)
from ratelord_core.http.plugins import InjectedView, InjectRequest, Plugins
from ratelord_core.http.policy import DOCUMENT_MEDIA, Policy
from ratelord_core.http.pools import BY, Pools
from ratelord_core.http.prospects import FIT, WHO, PlanRequest, Prospects
from ratelord_core.http.reference import Reference
from ratelord_core.http.root import Root, RootView
from ratelord_core.model.proof import SnapshotView, VerifyView
from ratelord_core.model.prospects import ConstraintView, FitView, PlanView
from ratelord_core.model.views import (
    EventView,
    ExtendView,
    ForecastView,
    HealthView,
    IdentityView,
    ObservedView,
    PolicyCheckView,
    PolicyReloadView,
    PolicyView,
    PoolView,
    RegisteredView,
    ReportView,
    UsageView,
)
from ratelord_core.plugins import PluginInfo
from ratelord_core.tool_mapping import MappingWire
from ratelord_core.wire.decision import DecisionView, ExplanationView
from ratelord_core.wire.identity import ChangeRequest, RegisterRequest, RotateRequest
from ratelord_core.wire.intent import (
    ExtendRequest,
    IntentRequest,
    OverrideRequest,
    ReportRequest,
)
from ratelord_core.wire.observation import ObservationRequest

_ASKED: Final = {
    "agent_id": "crawler-01",
    "identity_id": "pat:main",
    "workload_id": "repo_scan",
    "scope_id": "repo:acme/api",
    "expected_cost": 2,
}
_METRICS: Final = ("text/plain", OPENMETRICS)
_INTENT: Final = "/v1/intents/{intent_id}"
_IDENTITY: Final = "/v1/identities/{identity_id:path}"

ASKING: Final = (
    Operation(
        "POST",
        "/v1/intent",
        Intents.ask,
        "ask",
        DecisionView,
        IntentRequest,
        headers=(IDEMPOTENCY_KEY,),
        problems=(409, 421, 429, 503),
        example=_ASKED,
    ),
    Operation(
        "POST",
        "/v1/intents/batch",
        Intents.ask_batch,
        "ask",
        Decisions,
        BatchRequest,
        problems=(409, 421, 429, 503),
        example={"intents": [_ASKED, _ASKED]},
    ),
    Operation("GET", _INTENT, Intents.explain, "explain", ExplanationView),
    Operation(
        "POST",
        f"{_INTENT}/report",
        Intents.report,
        "ask",
        ReportView,
        ReportRequest,
        problems=(409, 421, 503),
        example={"outcome": "success", "actual_cost": 3},
    ),
    Operation(
        "POST",
        f"{_INTENT}/extend",
        Intents.extend,
        "ask",
        ExtendView,
        ExtendRequest,
        problems=(409, 421, 503),
        example={"seconds": 120},
    ),
    Operation(
        "POST",
        f"{_INTENT}/override",
        Intents.override,
        "override",
        DecisionView,
        OverrideRequest,
        problems=(409, 421, 503),
        optional_body=True,
        example={"by": "user:ana", "reason": "the release must go out"},
    ),
    Operation(
        "POST",
        "/v1/observations",
        Observations.observe,
        "ask",
        ObservedView,
        ObservationRequest,
        problems=(404, 409, 421, 503),
        example={"provider_id": "mock", "pool_id": "default", "limit": 100, "used": 7},
    ),
)
LOOKING: Final = (
    Operation("GET", "/v1/health", Health.show, "known", HealthView),
    Operation("GET", "/v1/health/live", Health.live, "open", StatusView),
    Operation("GET", "/v1/health/ready", Health.ready, "open", StatusView, unready=True),
    Operation("GET", "/v1/pools", Pools.list, "look", Page[PoolView], parameters=PAGE, listed=True),
    Operation("GET", "/v1/pools/{provider_id}/{pool_id:path}", Pools.show, "look", PoolView),
    Operation(
        "GET",
        "/v1/forecasts",
        Pools.forecasts,
        "look",
        Page[ForecastView],
        parameters=(POOL, AGENT, IDENTITY, SCOPE, BY, *PAGE),
        problems=(404,),
        listed=True,
    ),
    Operation(
        "GET",
        "/v1/usage",
        Pools.usage,
        "look",
        Page[UsageView],
        parameters=(POOL, AGENT, IDENTITY, SCOPE, *PAGE),
        problems=(404,),
        listed=True,
    ),
    Operation(
        "GET",
        "/v1/events",
        Events.list,
        "look",
        tuple[EventView, ...],
        parameters=events.PARAMETERS,
        headers=(events.LAST_EVENT_ID,),
        problems=(429, 503),
        media=("text/event-stream",),
        listed=True,
    ),
    Operation(
        "GET",
        "/v1/graph",
        Graph.show,
        "look",
        Snapshot,
        parameters=(graph.FORMAT, graph.AROUND),
        problems=(404,),
        media=(graph.DOT, graph.MERMAID),
        listed=True,
        tagged=True,
    ),
    Operation(
        "GET",
        "/v1/graph/path",
        Graph.path,
        "look",
        PathView,
        parameters=(graph.FROM_NODE, graph.TO_NODE),
        problems=(404,),
    ),
    Operation(
        "GET",
        "/v1/constraints",
        Prospects.constraints,
        "explain",
        Page[ConstraintView],
        parameters=(*WHO, *PAGE),
        listed=True,
    ),
    Operation(
        "GET",
        "/v1/forecasts/fit",
        Prospects.fit,
        "explain",
        FitView,
        parameters=FIT,
        problems=(404,),
    ),
    Operation(
        "POST",
        "/v1/plan",
        Prospects.plan,
        "explain",
        PlanView,
        PlanRequest,
        problems=(409, 421, 503),
        example={"intents": [_ASKED, _ASKED]},
    ),
    Operation("GET", "/v1/policy", Policy.show, "look", PolicyView, listed=True, tagged=True),
    Operation("GET", "/v1/policy/tools", Policy.tools, "known", MappingWire),
    Operation(
        "POST",
        "/v1/policy/check",
        Policy.check,
        "look",
        PolicyCheckView,
        dict,
        problems=(422,),
        request_media=DOCUMENT_MEDIA,
        example={"document": "policies: []"},
    ),
    Operation(
        "GET", "/v1/plugins", Plugins.list, "look", Page[PluginInfo], parameters=PAGE, listed=True
    ),
    Operation("GET", "/metrics", Metrics.show, "look", media=_METRICS, listed=True),
    Operation("GET", "/", Root.show, "open", RootView),
    Operation("GET", "/openapi.json", Reference.document, "open", dict, listed=True, tagged=True),
    Operation(
        "GET", "/docs", Reference.page, "open", media=("text/html",), listed=True, tagged=True
    ),
)
ADMINISTERING: Final = (
    Operation(
        "GET", "/v1/identities", Identities.list, "look", tuple[IdentityView, ...], listed=True
    ),
    Operation(
        "POST",
        "/v1/identities",
        Identities.register,
        "administer",
        RegisteredView,
        RegisterRequest,
        problems=(409, 503),
        example={"identity_id": "bot:ci", "kind": "bot", "role": "viewer"},
    ),
    Operation(
        "POST",
        f"{_IDENTITY}/rotate",
        Identities.rotate,
        "administer",
        RegisteredView,
        RotateRequest,
        problems=(409, 503),
        optional_body=True,
        example={},
    ),
    *(
        Operation(
            "POST",
            f"{_IDENTITY}/{turn}",
            handle,
            "administer",
            RegisteredView,
            ChangeRequest,
            problems=(409, 503),
            optional_body=True,
            example={"reason": "left the team"},
        )
        for turn, handle in (
            ("revoke", Identities.revoke),
            ("quarantine", Identities.quarantine),
            ("restore", Identities.restore),
        )
    ),
    Operation(
        "POST",
        "/v1/policy/reload",
        Policy.reload,
        "administer",
        PolicyReloadView,
        problems=(422, 503),
    ),
    Operation(
        "POST", "/v1/admin/snapshot", Log.snapshot, "administer", SnapshotView, problems=(409, 503)
    ),
    Operation(
        "POST", "/v1/admin/verify", Log.verify, "administer", VerifyView, problems=(409, 503)
    ),
)
DEBUGGING: Final = (
    Operation(
        "POST",
        "/debug/provider/inject",
        Plugins.inject,
        "administer",
        InjectedView,
        InjectRequest,
        problems=(404, 409),
        example={"provider_id": "mock", "pool_id": "default", "usage": 90},
    ),
)
"""Only with the setting ``debug``."""

TABLE: Final = (*ASKING, *LOOKING, *ADMINISTERING, *DEBUGGING)
"""Every operation there is, in the order in which paths are tried."""


def endpoints(operations: Iterable[Operation], nouns: Iterable[object]) -> dict[str, Endpoint]:
    """Every path with all that is done there, each by the noun whose method it names."""
    by_name = {type(noun).__name__: noun for noun in nouns}
    by_path: dict[str, list[Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, []).append(operation)
    return {path: Endpoint(found, by_name) for path, found in by_path.items()}


def routes(table: dict[str, Endpoint]) -> list[Route]:
    """The endpoints as Starlette's routes."""
    return [Route(path, endpoint) for path, endpoint in table.items()]
