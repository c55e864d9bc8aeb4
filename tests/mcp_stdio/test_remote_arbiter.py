"""The arbiter of a daemon elsewhere answers what the daemon would."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from ratelord import Client, DaemonUnreachable
from ratelord.connection import resolve
from ratelord_core.arbiter import Arbiter, EventFilter
from ratelord_core.clock import SystemClock
from ratelord_core.errors import Conflict, InvalidRequest, NotFound, Unavailable
from ratelord_core.model.caller import LOCAL_OPERATOR
from ratelord_core.model.identity import Identity
from ratelord_core.model.intent import Intent, Report
from ratelord_core.model.observation import Observation
from ratelord_mcp import last_words
from ratelord_mcp.bridge.line import Line
from ratelord_mcp.bridge.remote_arbiter import RemoteArbiter

pytestmark = pytest.mark.anyio
INTENT = Intent("crawler-01", "pat:far", "scan", "repo:acme/api", max_wait=0, expected_cost=2)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def arbiter(daemon, anyio_backend):
    line = Line(lambda: resolve(daemon.url))
    yield RemoteArbiter(line, SystemClock())
    await line.close()


@pytest.fixture
def client(daemon):
    with Client(daemon.url, auto_wait=False, timeout=60) as client:
        yield client


async def test_it_is_an_arbiter(arbiter):
    methods = {name for name in vars(Arbiter) if not name.startswith("_")}

    assert methods <= set(dir(arbiter))


async def test_a_decision_is_told_as_the_daemon_keeps_it(arbiter, client):
    decided = await arbiter.ask(msgspec.structs.replace(INTENT, debug=True), LOCAL_OPERATOR)
    story = await arbiter.explain(decided.intent_id)

    assert decided.allowed
    assert decided.reason_code == "ok"
    assert [(hold.pool, hold.units) for hold in decided.holds] == [("team/many", 2)]
    assert decided.valid_until > decided.as_of
    assert decided.risk.pool == "team/many"
    assert [step.rule for step in decided.trace] == ["no-forbidden-work"]
    told = client.explain(decided.intent_id)
    assert story == told
    assert story["decision"]["evaluation"]["policy_version"] == decided.policy_version


async def test_a_rule_s_denial_names_the_rule(arbiter):
    intent = msgspec.structs.replace(INTENT, workload_id="forbidden")

    decided = await arbiter.ask(intent, LOCAL_OPERATOR)

    assert decided.decision == "deny_with_reason"
    assert (decided.decided_by.policy_id, decided.decided_by.rule) == ("house", "no-forbidden-work")


async def test_a_report_settles_and_another_one_is_a_conflict(arbiter):
    one, two = await arbiter.ask_batch([INTENT, INTENT], LOCAL_OPERATOR)

    view = await arbiter.report(one.intent_id, Report(actual_cost=1), LOCAL_OPERATOR)

    assert [(hold.held, hold.settled) for hold in view.settled] == [(2, 1)]
    with pytest.raises(Conflict):
        await arbiter.report(one.intent_id, Report(actual_cost=2), LOCAL_OPERATOR)
    extended = await arbiter.extend(two.intent_id, 90_000_000, LOCAL_OPERATOR)
    assert extended.intent_id == two.intent_id


async def test_a_report_that_nobody_waits_for_is_made(arbiter, client):
    one = await arbiter.ask(INTENT, LOCAL_OPERATOR)
    reporting = asyncio.ensure_future(
        arbiter.report(one.intent_id, Report(actual_cost=1), LOCAL_OPERATOR)
    )
    await asyncio.sleep(0)
    reporting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reporting

    await last_words.finish(60)

    assert client.explain(one.intent_id)["report"]["outcome"] == "success"


async def test_what_is_looked_at_is_what_the_daemon_shows(arbiter, client):
    def plain(view):
        return msgspec.json.decode(msgspec.json.encode(view))

    def without_ages(pools):
        aged = {"forecast", "staleness_seconds", "shares", "used", "held", "scheduled", "available"}
        return [{key: pool[key] for key in pool.keys() - aged} for pool in pools]

    assert without_ages(plain(arbiter.pools())) == without_ages(client.pools())
    assert arbiter.pool("team/many").limit == 1000
    assert [view.pool_id for view in arbiter.forecasts("team/many")] == ["many"]
    assert plain(arbiter.identities()) == client.identities()
    assert {row.agent_id for row in arbiter.usage(agent_id="crawler-01")} <= {"crawler-01"}
    assert arbiter.health().version == client.health()["version"]
    assert plain(arbiter.policy()) == client.policy()
    assert plain(arbiter.plugins()) == client.plugins()
    assert {node.id for node in arbiter.graph().nodes} == {n["id"] for n in client.graph()["nodes"]}
    assert "ratelord_" in arbiter.metrics()


async def test_the_log_is_read_by_the_page_and_as_it_grows(arbiter, client):
    page = await arbiter.events(EventFilter(types=("system_started",), limit=5))
    last = client.health()["seq"]
    await arbiter.ask(INTENT, LOCAL_OPERATOR)

    assert [event.event_type for event in page] == ["system_started"]
    stream = arbiter.stream(EventFilter(after=last, agent_id="crawler-01"))
    assert (await anext(stream)).event_type == "intent_submitted"
    await stream.aclose()


async def test_refusals_are_those_of_the_daemon(arbiter):
    with pytest.raises(NotFound):
        arbiter.pool("team/none")
    with pytest.raises(NotFound):
        arbiter.explain_path("agent:none", "pool:none")
    with pytest.raises(InvalidRequest) as refused:
        await arbiter.ask(
            msgspec.structs.replace(INTENT, provider_id="nobody", pool_id="none"), LOCAL_OPERATOR
        )
    assert "nobody" in str(refused.value)
    unknown = Observation("nobody", "none", dated=1, used=1)
    with pytest.raises((NotFound, InvalidRequest)):
        await arbiter.observe([unknown], LOCAL_OPERATOR)


async def test_a_policy_is_checked_with_its_findings(arbiter):
    assert arbiter.check_policy("pools: []", "here").valid

    view = arbiter.check_policy("pools: 7", "here")

    assert not view.valid
    assert view.errors[0].line == 1


async def test_identities_come_and_go(arbiter):
    made = await arbiter.register_identity(
        Identity("bot:new", kind="bot", owner="team"), None, LOCAL_OPERATOR
    )
    revoked = await arbiter.change_identity("bot:new", "revoke", "left", LOCAL_OPERATOR)

    assert made.token
    assert revoked.status == "revoked"
    with pytest.raises(Conflict):
        await arbiter.register_identity(Identity("bot:new"), None, LOCAL_OPERATOR)


class Places:
    """A search that finds what it is given, one after another; None is nobody."""

    def __init__(self, *found: str | None) -> None:
        self.left = list(found)
        self.searched = 0

    def __call__(self):
        self.searched += 1
        place = self.left.pop(0)
        if place is None:
            raise DaemonUnreachable("nobody is there")
        return resolve(place)


async def test_a_question_is_put_again_to_the_daemon_that_is_found(daemon):
    places = Places("http://127.0.0.1:1", daemon.url)
    line = Line(places)
    try:
        assert (
            await RemoteArbiter(line, SystemClock()).ask(INTENT, LOCAL_OPERATOR)
        ).allowed is False
        decided = await RemoteArbiter(line, SystemClock()).ask(INTENT, LOCAL_OPERATOR)
    finally:
        await line.close()

    assert decided.allowed
    assert places.searched == 2


async def test_nobody_is_looked_for_twice_at_once_and_denials_do_not_wait(daemon):
    now = [0.0]
    places = Places(None, daemon.url)
    line = Line(places, monotonic=lambda: now[0])
    arbiter = RemoteArbiter(line, SystemClock())
    try:
        denied = [await arbiter.ask(INTENT, LOCAL_OPERATOR) for _ in range(3)]
        with pytest.raises(Unavailable, match="nobody is there"):
            arbiter.pools()
        assert places.searched == 1
        now[0] = 2.0
        found = await arbiter.ask(INTENT, LOCAL_OPERATOR)
    finally:
        await line.close()

    assert {one.reason_code for one in denied} == {"daemon_unreachable"}
    assert found.allowed
