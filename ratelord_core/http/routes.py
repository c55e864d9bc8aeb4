"""The routing table: every path, who may use it, and what answers."""

from __future__ import annotations

from starlette.routing import Route

from ratelord_core import __version__
from ratelord_core.arbiter import Arbiter
from ratelord_core.http.endpoint import Action, Endpoint
from ratelord_core.http.events import Events
from ratelord_core.http.exchange import Answer, Exchange, json_reply
from ratelord_core.http.graph import Graph
from ratelord_core.http.health import Health
from ratelord_core.http.identities import Identities
from ratelord_core.http.intents import Intents
from ratelord_core.http.metrics import Metrics, Tally
from ratelord_core.http.observations import Observations
from ratelord_core.http.plugins import Plugins
from ratelord_core.http.policy import Policy
from ratelord_core.http.pools import Pools
from ratelord_core.http.prospects import Prospects
from ratelord_core.http.settings import HttpSettings
from ratelord_core.http.sse import Followers


def endpoints(
    arbiter: Arbiter,
    settings: HttpSettings,
    intents: Intents,
    followers: Followers,
    tally: Tally,
) -> dict[str, Endpoint]:
    """Every path with its endpoint, in the order in which they are tried."""
    events = Events(arbiter, followers)
    table = {
        "/": Endpoint(GET=Action("open", _root)),
        **_asking(arbiter, settings, intents),
        **_looking(arbiter),
        **_looking_ahead(arbiter, settings),
        "/v1/events": Endpoint(GET=Action("look", events.list)),
        "/metrics": Endpoint(GET=Action("look", Metrics(arbiter, tally).show)),
        **_administering(arbiter, settings),
    }
    if settings.debug:
        inject = Plugins(arbiter, settings).inject
        table["/debug/provider/inject"] = Endpoint(POST=Action("administer", inject))
    return table


def routes(table: dict[str, Endpoint]) -> list[Route]:
    """The table as Starlette's routes."""
    return [Route(path, endpoint) for path, endpoint in table.items()]


def _asking(arbiter: Arbiter, settings: HttpSettings, intents: Intents) -> dict[str, Endpoint]:
    observations = Observations(arbiter, settings)
    return {
        "/v1/intent": Endpoint(POST=Action("ask", intents.ask)),
        "/v1/intents/batch": Endpoint(POST=Action("ask", intents.ask_batch)),
        "/v1/intents/{intent_id}": Endpoint(GET=Action("explain", intents.explain)),
        "/v1/intents/{intent_id}/report": Endpoint(POST=Action("ask", intents.report)),
        "/v1/intents/{intent_id}/extend": Endpoint(POST=Action("ask", intents.extend)),
        "/v1/intents/{intent_id}/override": Endpoint(POST=Action("administer", intents.override)),
        "/v1/observations": Endpoint(POST=Action("ask", observations.observe)),
    }


def _looking(arbiter: Arbiter) -> dict[str, Endpoint]:
    health, pools, graph = Health(arbiter), Pools(arbiter), Graph(arbiter)
    return {
        "/v1/health": Endpoint(GET=Action("known", health.show)),
        "/v1/health/live": Endpoint(GET=Action("open", health.live)),
        "/v1/health/ready": Endpoint(GET=Action("open", health.ready)),
        "/v1/pools": Endpoint(GET=Action("look", pools.list)),
        "/v1/pools/{provider_id}/{pool_id:path}": Endpoint(GET=Action("look", pools.show)),
        "/v1/forecasts": Endpoint(GET=Action("look", pools.forecasts)),
        "/v1/usage": Endpoint(GET=Action("look", pools.usage)),
        "/v1/graph": Endpoint(GET=Action("look", graph.show)),
        "/v1/graph/path": Endpoint(GET=Action("look", graph.path)),
    }


def _looking_ahead(arbiter: Arbiter, settings: HttpSettings) -> dict[str, Endpoint]:
    prospects = Prospects(arbiter, settings)
    return {
        "/v1/constraints": Endpoint(GET=Action("explain", prospects.constraints)),
        "/v1/forecasts/fit": Endpoint(GET=Action("explain", prospects.fit)),
        "/v1/plan": Endpoint(POST=Action("explain", prospects.plan)),
    }


def _administering(arbiter: Arbiter, settings: HttpSettings) -> dict[str, Endpoint]:
    identities, policy = Identities(arbiter, settings), Policy(arbiter, settings)
    one = "/v1/identities/{identity_id:path}"
    return {
        "/v1/identities": Endpoint(
            GET=Action("look", identities.list), POST=Action("administer", identities.register)
        ),
        f"{one}/rotate": Endpoint(POST=Action("administer", identities.rotate)),
        f"{one}/revoke": Endpoint(POST=Action("administer", identities.revoke)),
        f"{one}/quarantine": Endpoint(POST=Action("administer", identities.quarantine)),
        f"{one}/restore": Endpoint(POST=Action("administer", identities.restore)),
        "/v1/policy": Endpoint(GET=Action("look", policy.show)),
        "/v1/policy/tools": Endpoint(GET=Action("known", policy.tools)),
        "/v1/policy/check": Endpoint(POST=Action("look", policy.check)),
        "/v1/policy/reload": Endpoint(POST=Action("administer", policy.reload)),
        "/v1/plugins": Endpoint(GET=Action("look", Plugins(arbiter, settings).list)),
    }


async def _root(_exchange: Exchange) -> Answer:
    links = {"health": "/v1/health", "pools": "/v1/pools", "events": "/v1/events"}
    return json_reply({"name": "ratelord", "version": __version__, "links": links})
