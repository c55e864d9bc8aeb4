"""The asynchronous client does what the blocking one does."""

from __future__ import annotations

import asyncio
import inspect

import pytest

from ratelord import AsyncClient, Client, Denied, RequestRefused

FOUR = ("crawler-01", "pat:rmax", "repo_scan", "repo:acme/api")
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Naps:
    """A sleep that only remembers."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


def test_both_clients_have_the_same_methods_and_arguments():
    def surface(client: type) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(method).parameters)
            for name, method in inspect.getmembers(client, inspect.isfunction)
            if not name.startswith("_")
        }

    assert surface(Client) == surface(AsyncClient)


async def test_an_approval_that_must_wait_waits(daemon, wire, answer):
    daemon.answers(answer(body=wire("wait")))
    naps = Naps()
    async with AsyncClient(daemon.url, sleep=naps) as client:
        assert await client.ask(*FOUR)
    assert naps.taken == [2.5]


async def test_a_lost_answer_is_asked_for_again_with_the_same_key(daemon, wire, answer):
    daemon.answers(answer(body=wire("approve"), hang_up=True), answer(body=wire("approve")))
    async with AsyncClient(daemon.url, sleep=Naps()) as client:
        assert await client.ask(*FOUR)
    assert len(daemon.asked) == 2
    assert len({asked.body["idempotency_key"] for asked in daemon.asked}) == 1


async def test_silence_is_a_denial(daemon, wire, answer):
    daemon.answers(answer(body=wire("approve"), after=60))
    async with AsyncClient(daemon.url, timeout=0.2) as client:
        decision = await client.ask(*FOUR)
    assert decision.reason_code == "daemon_unreachable"


async def test_a_wrong_question_raises(daemon, answer):
    daemon.answers(answer(status=400, body={"code": "invalid_request", "detail": "no"}))
    async with AsyncClient(daemon.url) as client:
        with pytest.raises(RequestRefused):
            await client.propose(*FOUR)


async def test_a_guard_reports_what_the_body_cost(daemon, wire, answer):
    daemon.answers(answer(body=wire("approve")), answer(body=wire("settled")))
    async with AsyncClient(daemon.url) as client, client.guard(*FOUR) as permit:
        permit.actual_cost = 3
    assert daemon.asked[1].body == {"outcome": "success", "actual_cost": 3}


async def test_a_guard_that_is_told_no_raises(daemon, wire, answer):
    daemon.answers(answer(body=wire("deny")))
    async with AsyncClient(daemon.url) as client:
        with pytest.raises(Denied):
            async with client.guard(*FOUR):
                pytest.fail("it ran")


async def test_a_task_cancelled_in_its_body_still_counts_what_it_held(daemon, wire, answer):
    daemon.answers(answer(body=wire("approve")), answer(body=wire("settled")))
    inside = asyncio.Event()

    async def act() -> None:
        async with AsyncClient(daemon.url) as client, client.guard(*FOUR):
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(act())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert daemon.asked[1].body == {"outcome": "error"}


async def test_a_task_cancelled_while_it_waits_gives_its_hold_back(daemon, wire, answer):
    daemon.answers(answer(body=wire("wait")), answer(body=wire("settled")))
    asleep = asyncio.Event()

    async def sleep(seconds: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    async def act() -> None:
        async with AsyncClient(daemon.url, sleep=sleep) as client:
            await client.ask(*FOUR)

    task = asyncio.create_task(act())
    await asleep.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert daemon.asked[1].body == {"outcome": "cancelled"}


async def test_events_stream_on_over_a_lost_connection(daemon, answer):
    def page(*seqs: int, **more: object):
        text = ": hello\n\n" + "".join(
            f'id: {seq}\nevent: intent_decided\ndata: {{"seq": {seq}}}\n\n' for seq in seqs
        )
        return answer(body=text.encode(), headers={"content-type": "text/event-stream"}, **more)

    daemon.answers(page(4, 5, hang_up=True), answer(status=503), page(6))
    seen = []
    async with AsyncClient(daemon.url, sleep=Naps()) as client:
        async for event in client.stream(after=3):
            seen.append(event["seq"])
            if len(seen) == 3:
                break
    assert seen == [4, 5, 6]
    assert "after=3" in daemon.asked[0].target
    assert daemon.asked[2].headers["last-event-id"] == "5"


CALLS = {
    "ping": (),
    "health": (),
    "pools": (),
    "pool": ("mock/default",),
    "forecasts": ("mock/default",),
    "usage": (),
    "events": (),
    "explain": ("0193",),
    "identities": (),
    "graph": ("node",),
    "graph_text": ("dot",),
    "explain_path": ("agent:a", "pool:b"),
    "check_policy": ("pools: []",),
    "metrics": (),
    "observe": ("mock",),
    "inject": ("mock", "default"),
    "ask_batch": ([{"agent_id": "a", "dry_run": True}],),
    "policy": (),
    "plugins": (),
    "reload_policy": (),
    "register_identity": ("pat:me", "user"),
    "rotate_identity": ("pat:me",),
    "revoke_identity": ("pat:me",),
    "quarantine_identity": ("pat:me",),
    "restore_identity": ("pat:me",),
    "report": ("0193",),
    "extend": ("0193", 30),
    "simulate": ("s01", 7),
    "simulation": ("0193",),
    "simulations": (),
    "cancel_simulation": ("0193",),
}
REPLY = {
    "items": [{"a": 1}],
    "intent_id": "0193",
    "outcome": "success",
    "expires_at": "2026-01-01T00:00:00.000000Z",
    "identity_id": "pat:me",
    "status": "active",
    "text": "a uses b",
    "accepted": 1,
    "decisions": [],
}


@pytest.mark.parametrize("name", CALLS)
async def test_both_clients_ask_the_same_and_return_the_same(daemon, answer, name):
    daemon.answers(answer(body=REPLY))
    with Client(daemon.url) as client:
        blocking = getattr(client, name)(*CALLS[name])
    async with AsyncClient(daemon.url) as client:
        assert await getattr(client, name)(*CALLS[name]) == blocking
    first, second = daemon.asked
    assert (first.method, first.target, first.body) == (second.method, second.target, second.body)


async def test_ping_is_false_without_a_daemon():
    async with AsyncClient("http://127.0.0.1:1") as client:
        assert await client.ping() is False
        assert await client.ask(*FOUR) == await client.propose(*FOUR)


async def test_a_report_that_fails_spoils_nothing(daemon, wire, answer):
    daemon.answers(answer(body=wire("approve")), answer(status=409, body={"detail": "no"}))
    async with AsyncClient(daemon.url) as client, client.guard(*FOUR) as permit:
        pass
    assert permit.settlement is None


async def test_a_stream_that_may_not_be_read_says_so(daemon, answer):
    daemon.answers(answer(status=403, body={"detail": "not for agents"}))
    async with AsyncClient(daemon.url) as client:
        with pytest.raises(RequestRefused, match="not for agents"):
            await anext(client.stream())
