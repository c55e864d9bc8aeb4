"""Asking through the blocking client, over a real socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import msgspec
import pytest

import ratelord
from ratelord import Client, DaemonUnreachable, RequestRefused, UpstreamError

NAMES = ("agent_id", "identity_id", "workload_id", "scope_id")
FOUR = ("crawler-01", "pat:rmax", "repo_scan", "repo:acme/api")


class Naps:
    """A sleep that only remembers."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


@pytest.fixture
def nowhere() -> Iterator[str]:
    """Where nobody listens, and nobody can begin to while the test runs."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def test_an_approval_mirrors_the_wire_field_by_field(daemon, wire, answer):
    daemon.answers(answer(body=wire("approve")))
    with Client(daemon.url) as client:
        decision = client.ask(*FOUR)
    assert decision
    assert decision.as_wire() == wire("approve")
    assert not decision.synthetic


def test_the_question_carries_the_ids_what_was_said_and_a_fresh_key(daemon, wire, answer):
    daemon.answers(answer(body=wire("approve")))
    with Client(daemon.url, token="s3cret-token") as client:
        client.ask(*FOUR, urgency="high", costs={"github-main/search": 2}, max_wait=3)
        client.ask(*FOUR)
    first, second = daemon.asked
    key = first.body.pop("idempotency_key")
    assert first.body == {
        "agent_id": "crawler-01",
        "identity_id": "pat:rmax",
        "workload_id": "repo_scan",
        "scope_id": "repo:acme/api",
        "urgency": "high",
        "costs": {"github-main/search": 2},
        "max_wait_seconds": 3,
    }
    assert first.headers["authorization"] == "Bearer s3cret-token"
    assert key != second.body["idempotency_key"]


def test_a_denial_is_false_and_not_an_error(daemon, wire, answer):
    daemon.answers(answer(body=wire("deny")))
    with Client(daemon.url) as client:
        decision = client.ask(*FOUR)
    assert not decision
    assert decision.reason_code == "pool_exhausted"
    assert decision.retry_after_seconds == 30


def test_it_sleeps_until_the_action_may_start(daemon, wire, answer):
    daemon.answers(answer(body=wire("wait")))
    naps = Naps()
    with Client(daemon.url, sleep=naps) as client:
        assert client.ask(*FOUR)
        assert client.ask(*FOUR, auto_wait=False).wait_seconds == 2.5
    assert naps.taken == [2.5]


def test_a_wait_that_is_interrupted_gives_the_hold_back(daemon, wire, answer):
    daemon.answers(answer(body=wire("wait")), answer(body=wire("settled")))

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    with Client(daemon.url, sleep=interrupted) as client, pytest.raises(KeyboardInterrupt):
        client.ask(*FOUR)
    assert daemon.asked[-1].target.endswith("/report")
    assert daemon.asked[-1].body["outcome"] == "cancelled"


def test_a_dry_run_carries_no_key_and_never_sleeps(daemon, wire, answer):
    daemon.answers(answer(body=wire("wait")))
    naps = Naps()
    with Client(daemon.url, sleep=naps) as client:
        client.propose(*FOUR)
    assert daemon.asked[0].body["dry_run"] is True
    assert "idempotency_key" not in daemon.asked[0].body
    assert naps.taken == []


def test_no_daemon_is_a_denial_at_once_that_says_what_to_do(nowhere):
    naps = Naps()
    with Client(nowhere, sleep=naps) as client:
        decision = client.ask(*FOUR)
    assert not decision
    assert decision.synthetic
    assert decision.reason_code == "daemon_unreachable"
    assert "ratelord up" in decision.reason
    assert naps.taken == []


def test_no_daemon_is_an_approval_for_those_who_said_so(nowhere):
    with Client(nowhere, on_unreachable="allow") as client:
        decision = client.ask(*FOUR)
    assert decision
    assert decision.reason_code == "daemon_unreachable"
    assert decision.warnings


@pytest.mark.parametrize("status", [500, 502, 504, 302, 421])
def test_an_error_of_the_daemon_is_a_denial(daemon, answer, status):
    daemon.answers(answer(status=status, body={"title": "broken", "code": "internal"}))
    with Client(daemon.url, sleep=Naps()) as client:
        decision = client.ask(*FOUR)
    assert not decision
    assert decision.reason_code == "upstream_error"
    assert "broken" in decision.reason


@pytest.mark.parametrize(
    "garbage",
    [b"", b"<html>hello</html>", b"\xff\xfe", b"[]", b"{}", b'{"decision": "approve"}', b"nul"],
)
def test_garbage_is_a_denial(daemon, answer, garbage):
    daemon.answers(answer(body=garbage))
    with Client(daemon.url, sleep=Naps()) as client:
        assert client.ask(*FOUR).reason_code == "upstream_error"


def test_an_answer_that_contradicts_itself_admits_nothing(daemon, wire, answer):
    daemon.answers(answer(body=wire("deny") | {"allowed": True}))
    with Client(daemon.url, sleep=Naps()) as client:
        decision = client.ask(*FOUR)
    assert not decision
    assert decision.reason_code == "upstream_error"


def test_a_lost_answer_is_asked_for_again_with_the_same_key(daemon, wire, answer):
    daemon.answers(answer(body=wire("approve"), hang_up=True), answer(body=wire("approve")))
    with Client(daemon.url, sleep=Naps()) as client:
        assert client.ask(*FOUR)
    keys = {asked.body["idempotency_key"] for asked in daemon.asked}
    assert len(daemon.asked) == 2
    assert len(keys) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_daemon_is_asked_again_when_it_says(daemon, wire, answer, status):
    busy = answer(status=status, body={"code": "overloaded"}, headers={"retry-after": "2"})
    daemon.answers(busy, answer(body=wire("approve")))
    naps = Naps()
    with Client(daemon.url, sleep=naps) as client:
        assert client.ask(*FOUR)
    assert naps.taken == [2]


def test_a_daemon_that_wants_more_time_than_there_is_means_no(daemon, answer):
    daemon.answers(answer(status=503, body={"code": "starting"}, headers={"retry-after": "60"}))
    naps = Naps()
    with Client(daemon.url, sleep=naps) as client:
        decision = client.ask(*FOUR)
    assert not decision
    assert decision.retry_after_seconds == 60
    assert len(daemon.asked) == 1
    assert naps.taken == []


def test_silence_ends_with_the_timeout(daemon, wire, answer):
    daemon.answers(answer(body=wire("approve"), after=60))
    with Client(daemon.url, timeout=0.3) as client:
        decision = client.ask(*FOUR)
    assert decision.reason_code == "daemon_unreachable"
    assert "in time" in decision.reason


def test_an_answer_that_trickles_ends_with_the_timeout(daemon, wire, answer):
    daemon.answers(answer(body=wire("approve"), drip=0.02))  # whole after ten seconds and more
    with Client(daemon.url, timeout=0.3) as client:
        assert client.ask(*FOUR).reason_code == "daemon_unreachable"


def test_a_wrong_question_is_an_error_with_its_fields(daemon, answer):
    problem = {
        "title": "Invalid request",
        "detail": "workload_id is empty",
        "code": "invalid_request",
        "request_id": "r-1",
        "errors": [{"field": "workload_id", "message": "must not be empty"}],
    }
    daemon.answers(answer(status=400, body=problem))
    with Client(daemon.url) as client, pytest.raises(RequestRefused) as refused:
        client.ask(*FOUR)
    assert refused.value.code == "invalid_request"
    assert refused.value.errors == (("workload_id", "must not be empty"),)
    assert refused.value.request_id == "r-1"
    assert len(daemon.asked) == 1


def test_a_redirect_is_not_followed_with_the_token(daemon, answer):
    daemon.answers(answer(status=307, headers={"location": "http://127.0.0.1:1/v1/intent"}))
    with Client(daemon.url, token="s3cret") as client:
        assert client.ask(*FOUR).reason_code == "upstream_error"


@pytest.mark.parametrize("cost", [float("nan"), float("inf")])
def test_an_amount_that_is_no_number_never_leaves(daemon, cost):
    with Client(daemon.url) as client, pytest.raises(ValueError, match="finite"):
        client.ask(*FOUR, expected_cost=cost)
    assert daemon.asked == []


def test_a_misspelt_option_is_an_error_that_names_the_right_ones(daemon):
    with Client(daemon.url) as client, pytest.raises(TypeError, match="expected_cost"):
        client.ask(*FOUR, cost=1)


def test_every_other_call_raises_what_ask_answers(daemon, answer, nowhere):
    daemon.answers(answer(status=500, body={"title": "broken"}))
    with Client(daemon.url, sleep=Naps()) as client, pytest.raises(UpstreamError):
        client.pools()
    with Client(nowhere) as client:
        assert client.ping() is False
        with pytest.raises(DaemonUnreachable):
            client.health()


def test_decisions_cannot_be_changed(daemon, wire, answer):
    daemon.answers(answer(body=wire("deny")))
    with Client(daemon.url) as client:
        decision = client.ask(*FOUR)
    with pytest.raises(AttributeError):
        decision.allowed = True


def test_fields_of_a_newer_daemon_are_ignored(daemon, wire, answer):
    daemon.answers(answer(body=wire("approve") | {"colour": "blue"}))
    with Client(daemon.url) as client:
        assert client.ask(*FOUR)


def test_a_unix_socket_is_a_door_too(tmp_path, wire):
    import threading

    path = tmp_path / "ratelord.sock"
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen()

        def answer_once() -> None:
            connection, _ = door.accept()
            with connection:
                connection.recv(65536)
                body = msgspec.json.encode(wire("approve"))
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
                connection.sendall(head.encode() + body)

        thread = threading.Thread(target=answer_once)
        thread.start()
        with Client(socket=str(path)) as client:
            assert client.ask(*FOUR)
        thread.join(5)


def test_the_version_is_the_daemon_s():
    from ratelord_core import __version__

    assert ratelord.__version__ == __version__


def test_many_are_asked_at_once_each_with_its_own_key(daemon, wire, answer):
    both = {"decisions": [wire("approve"), wire("deny")]}
    daemon.answers(answer(body=both, hang_up=True), answer(body=both))
    bodies = [dict(zip(NAMES, FOUR[:4], strict=True), max_wait_seconds=None) for _ in range(2)]
    with Client(daemon.url, sleep=lambda _: None) as client:
        allowed = [bool(decision) for decision in client.ask_batch(bodies)]
    assert allowed == [True, False]
    first, second = (asked.body["intents"] for asked in daemon.asked)
    assert first == second, "a lost answer is asked for again with the same keys"
    assert len({intent["idempotency_key"] for intent in first}) == 2
    assert "max_wait_seconds" not in first[0]


def test_without_a_daemon_every_question_of_a_batch_is_denied():
    with Client("http://127.0.0.1:1") as client:
        denied = client.ask_batch([{}, {}])
    assert [decision.reason_code for decision in denied] == ["daemon_unreachable"] * 2
