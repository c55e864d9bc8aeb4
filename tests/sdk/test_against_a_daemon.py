"""The client against a real daemon: what it promises holds end to end."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import NamedTuple

import pytest

from ratelord import AsyncClient, Client, Denied
from ratelord_core.testing.daemon_process import DaemonProcess

LIMIT = 10
POLICY = f"""
pools:
  - {{id: many/a, unit: requests, limit: {LIMIT}, window: {{kind: fixed, every: 1h}}, shared_by: ["*"]}}
  - {{id: many/b, unit: requests, limit: 1000, window: {{kind: fixed, every: 1h}}, shared_by: ["*"]}}
workloads:
  small: {{consumes: {{many/a: 1}}}}
  big: {{consumes: {{many/b: 1}}}}
"""
OWN = [f"work-{number}" for number in range(6)]
SHARED = "pools:\n" + "".join(
    f"  - {{id: own/{work}, limit: {LIMIT}, window: {{kind: fixed, every: 1h}}, shared_by: [{work}]}}\n"
    for work in OWN
)


@pytest.fixture
def real(tmp_path):
    with DaemonProcess(tmp_path, policy=POLICY) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A daemon for tests that each keep to a pool of their own."""
    with DaemonProcess(tmp_path_factory.mktemp("shared"), policy=SHARED) as daemon:
        yield daemon, iter(OWN)


@pytest.fixture
def client(shared):
    with Client(shared[0].url, timeout=60) as client:
        yield client


@pytest.fixture
def own(shared):
    """A pool that no other test uses, and the workload that uses it."""
    work = next(shared[1])
    return Own(f"own/{work}", work)


class Own(NamedTuple):
    """A pool's key, and the workload that uses it and no other."""

    pool: str
    work: str


class ForgetfulProxy:
    """Forwards bytes to a daemon, and loses the first reply after the daemon has sent it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        self.lost = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._door.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            place = ("127.0.0.1", self._port)
            with suppress(ConnectionError), client, socket.create_connection(place) as daemon:
                daemon.sendall(_request(client))
                reply = daemon.recv(65536)
                if self.lost == 0:
                    self.lost += 1
                    continue
                client.sendall(reply)


def _request(client: socket.socket) -> bytes:
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _more(client)
    length = int(re.search(rb"(?i)content-length: (\d+)", received[:end])[1])
    while len(received) < end + 4 + length:
        received += _more(client)
    return received


def _more(client: socket.socket) -> bytes:
    if not (more := client.recv(65536)):
        raise ConnectionResetError("it hung up before it had asked")
    return more


def test_a_budget_of_n_admits_exactly_n(client, own):
    def ask(number: int) -> str:
        return client.ask(f"agent-{number}", "id", own.work, max_wait=0).reason_code

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(LIMIT * 2)))
    pool = client.pool(own.pool)
    assert answers.count("ok") == LIMIT, answers
    assert pool["used"] + pool["held"] == LIMIT
    assert pool["available"] == 0


def test_a_lost_answer_holds_nothing_twice(shared, client, own):
    tried = client.propose("a", "id", own.work)
    assert tried, tried.reason  # past its start, it answers everything
    port = int(shared[0].url.rpartition(":")[2])
    with ForgetfulProxy(port) as proxy, Client(proxy.url, timeout=60) as unlucky:
        decision = unlucky.ask("a", "id", own.work)
    assert proxy.lost == 1
    assert decision
    assert client.pool(own.pool)["held"] == 1


def test_a_guard_settles_what_the_body_cost(client, own):
    with client.guard("a", "id", own.work) as permit:
        permit.actual_cost = 4
    assert permit.settlement.settled[0].settled == 4
    assert client.pool(own.pool)["used"] == 4


def test_a_guard_that_broke_counts_and_one_that_gave_up_does_not(client, own):
    with pytest.raises(RuntimeError), client.guard("a", "id", own.work):
        raise RuntimeError
    assert client.pool(own.pool)["used"] == 1
    with client.guard("a", "id", own.work) as permit:
        permit.cancel()
    pool = client.pool(own.pool)
    assert (pool["used"], pool["held"]) == (1, 0)


def test_what_does_not_fit_is_denied_with_the_time_to_come_back(client, own):
    assert client.ask("a", "id", own.work, expected_cost=LIMIT)
    with (
        pytest.raises(Denied) as denied,
        client.guard("a", "id", own.work, max_wait=0),
    ):
        pytest.fail("it ran")
    assert denied.value.decision.reason_code in ("pool_exhausted", "wait_too_long")
    assert denied.value.retry_after > 0


def test_the_same_key_gets_the_same_answer(client, own):
    first = client.ask("a", "id", own.work, idempotency_key="k")
    again = client.ask("a", "id", own.work, idempotency_key="k")
    assert again.intent_id == first.intent_id
    assert client.pool(own.pool)["held"] == 1


def test_a_dry_run_changes_nothing(real):
    with Client(real.url, timeout=60) as client:
        before = client.health()["seq"]
        assert client.propose("a", "id", "small")
        written = [event["event_type"] for event in client.events(after=before)]
        assert not [kind for kind in written if kind.startswith("intent_")], (
            "of its own accord it may"
        )
        assert client.pool("many/a")["held"] == 0


def test_every_reader_reads(real):
    with Client(real.url, timeout=60) as client:
        decision = client.ask("crawler", "pat:me", "small", "repo:acme/api")
        assert client.extend(decision.intent_id, 120).intent_id == decision.intent_id
        client.report(decision.intent_id, actual_cost=2)
        assert client.ping()
        assert client.health()["status"] == "ok"
        assert {row["pool_id"] for row in client.pools()} == {"a", "b"}
        assert client.forecasts("many/a")[0]["pool_id"] == "a"
        assert client.usage(agent_id="crawler")[0]["used"] == 2
        assert client.explain(decision.intent_id)["report"]
        assert any(node["type"] == "agent" for node in client.graph()["nodes"])
        assert "crawler" in client.graph_text("mermaid")
        assert client.policy()["version"]
        assert {"sql", "mock"} <= {row["name"] for row in client.plugins()}
        assert client.reload_policy()["changed"] is False


def test_identities_live_their_lives(real):
    with Client(real.url, timeout=60) as client:
        made = client.register_identity("pat:me", "user", owner="team")
        assert made.token
        assert [row["identity_id"] for row in client.identities()] == ["pat:me"]
        assert client.rotate_identity("pat:me").token != made.token
        client.quarantine_identity("pat:me", reason="odd")
        assert client.ask("a", "pat:me", "small").reason_code == "identity_quarantined"
        client.restore_identity("pat:me")
        assert client.ask("a", "pat:me", "small")
        client.revoke_identity("pat:me")
        assert client.ask("a", "pat:me", "small").reason_code == "identity_revoked"


def test_a_token_acts_as_its_own_identity_only(real):
    from ratelord import RequestRefused

    with Client(real.url, timeout=60) as operator:
        token = operator.register_identity("pat:me", "user").token
    with Client(real.url, token=token, timeout=60) as client:
        assert client.ask("a", "pat:me", "small")
        with pytest.raises(RequestRefused) as refused:
            client.ask("a", "pat:you", "small")
        assert refused.value.status == 403
    with (
        Client(real.url, token="wrong", timeout=60) as client,
        pytest.raises(RequestRefused) as refused,
    ):
        client.ask("a", "pat:me", "small")
    assert refused.value.status == 401


def test_events_arrive_as_they_happen(real):
    async def follow() -> list[str]:
        seen: list[str] = []
        async with AsyncClient(real.url, timeout=60) as client:
            kinds = "intent_submitted,intent_decided"  # the daemon may have news of its own, too
            stream = client.stream(after=(await client.health())["seq"], type=kinds)
            asked = asyncio.create_task(client.ask("a", "id", "small"))
            async for event in stream:
                seen.append(event["event_type"])
                if "intent_decided" in seen:
                    break
            await asked
        return seen

    assert asyncio.run(follow())[:2] == ["intent_submitted", "intent_decided"]


def test_after_a_crash_there_is_a_denial_and_then_the_same_state(real):
    with Client(real.url, timeout=60) as client:
        assert client.ask("a", "id", "small")
        real.kill()
        assert client.ask("a", "id", "small").reason_code == "daemon_unreachable"
    real.start()
    with Client(real.url, timeout=60) as client:
        assert client.pool("many/a")["held"] == 1


def test_the_daemon_s_socket_is_a_door(tmp_path):
    path = tmp_path / "r.sock"
    with (
        DaemonProcess(tmp_path, policy=POLICY, arguments=["--socket", str(path)]),
        Client(socket=str(path), timeout=60) as client,
    ):
        assert client.ask("a", "id", "small")
        assert "r.sock" in repr(client)


def test_whatever_is_listed_is_listed_whole(tmp_path):
    names = [f"many/p{number}" for number in range(1001)]
    pools = "".join(
        f"  - {{id: {name}, limit: 9, window: {{kind: unbounded}}, default: false}}\n"
        for name in names
    )

    async def seen(url: str) -> list[str]:
        async with AsyncClient(url, timeout=60) as client:
            return [row["pool_id"] for row in await client.forecasts()]

    with DaemonProcess(tmp_path, policy=f"pools:\n{pools}") as daemon:
        with Client(daemon.url, timeout=60) as client:
            listed = [f"many/{row['pool_id']}" for row in client.pools()]
        assert sorted(listed) == sorted(names)
        assert len(asyncio.run(seen(daemon.url))) == len(names)
