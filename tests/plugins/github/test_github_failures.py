"""Whatever else GitHub, or what stands in its place, answers is a failure with its proper name."""

from __future__ import annotations

import gzip
import socket
import threading
from typing import Any

import anyio
import pytest

from ratelord_core.clock import SystemClock
from ratelord_core.errors import ProviderFailed, SettingsError
from ratelord_core.model.instant import SECOND

LIMITED = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
)


def failure(account: Any) -> ProviderFailed:
    with pytest.raises(ProviderFailed) as caught:
        account.poll()
    return caught.value


@pytest.mark.parametrize(
    ("status", "message", "headers", "kind", "retry_after"),
    [
        (401, "Bad credentials", {}, "unauthorized", None),
        (403, "Resource not accessible by integration", {}, "forbidden", None),
        (403, LIMITED, {"retry_after": "90"}, "rate_limited", 90.0),
        (403, LIMITED, {}, "rate_limited", 60.0),
        (403, "nope", {"retry_after": "5"}, "rate_limited", 5.0),
        (429, "", {"retry_after": "7"}, "rate_limited", 7.0),
        (429, "", {}, "rate_limited", 60.0),
        (429, "", {"retry_after": "soonish"}, "rate_limited", 60.0),
        (500, "", {}, "server_error", None),
        (502, "", {}, "server_error", None),
        (503, "", {"retry_after": "30"}, "server_error", 30.0),
        (404, "Not Found", {}, "malformed", None),
        (400, "Bad Request", {}, "malformed", None),
        (204, "", {}, "malformed", None),
        (304, "", {}, "malformed", None),
    ],
)
def test_a_status_is_named(github, connect, status, message, headers, kind, retry_after) -> None:
    bodiless = b"" if status in {204, 304} else None
    github.answer(status, message, bodiless, **headers)
    error = failure(connect())
    assert (error.kind, error.retry_after) == (kind, retry_after)
    assert str(status) in error.detail
    if bodiless is None:
        assert message in error.detail


@pytest.mark.parametrize("status", [403, 429])
def test_an_exhausted_primary_limit_waits_for_its_reset(github, connect, status) -> None:
    reset = SystemClock().now() // SECOND + 300
    github.answer(
        status,
        "API rate limit exceeded",
        x_ratelimit_limit="60",
        x_ratelimit_remaining="0",
        x_ratelimit_reset=str(reset),
    )
    error = failure(connect())
    assert error.kind == "rate_limited"
    assert 290 < error.retry_after <= 300


def test_remaining_calls_are_no_reason_to_wait(github, connect) -> None:
    github.answer(
        403, "no", x_ratelimit_limit="60", x_ratelimit_remaining="5", x_ratelimit_reset="9999999999"
    )
    assert failure(connect()).kind == "forbidden"


def test_a_redirect_on_the_same_server_is_followed(github, connect) -> None:
    document = github.document

    def moved(asked: Any) -> Any:
        if asked.path.startswith("/api"):
            return github.said(301, location="/moved/rate_limit")
        return document(asked)

    github.reply = moved
    assert connect().poll().observations
    assert github.asked[1].path == "/moved/rate_limit"
    assert github.asked[1].headers["authorization"] == "Bearer t0ken"


@pytest.mark.parametrize(
    "location",
    ["https://elsewhere.example/rate_limit", "//elsewhere.example/x", "http://127.0.0.1:1/x", ""],
)
def test_the_token_follows_no_redirect_to_another_server(github, connect, location) -> None:
    github.answer(302, location=location)
    error = failure(connect())
    assert error.kind == "malformed"
    assert "redirects elsewhere" in error.detail
    assert len(github.asked) == 1


def test_redirects_in_a_circle_end(github, connect) -> None:
    github.answer(307, location="/api/v3/rate_limit")
    assert "redirects" in failure(connect()).detail
    assert len(github.asked) == 4


def test_a_server_that_does_not_answer_in_time_is_a_timeout(github, connect) -> None:
    async def never() -> Any:
        await anyio.sleep(60)
        return github.said(200)

    github.reply = lambda asked: never()
    assert failure(connect(timeout="200ms")).kind == "timeout"


@pytest.mark.parametrize("compressed", [False, True])
def test_a_body_without_an_end_is_not_swallowed(github, connect, compressed) -> None:
    body = b" " * 3_000_000
    headers = {"content_encoding": "gzip"} if compressed else {}
    github.answer(200, "", gzip.compress(body) if compressed else body, **headers)
    error = failure(connect())
    assert error.kind == "malformed"
    assert "over 1048576 bytes" in error.detail


def test_an_encoding_that_is_broken_is_malformed(github, connect) -> None:
    github.answer(200, "", b"this is no gzip", content_encoding="gzip")
    assert failure(connect()).kind == "malformed"


def test_a_server_that_is_not_there_is_unreachable(github, connect) -> None:
    with socket.socket() as kept:  # bound, so that nobody else listens there, and deaf
        kept.bind(("127.0.0.1", 0))
        port = kept.getsockname()[1]
        error = failure(connect(enterprise_url=f"http://127.0.0.1:{port}"))
    assert error.kind == "unreachable"
    assert f"127.0.0.1:{port}" in error.detail


@pytest.mark.parametrize(
    "words", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"]
)
def test_a_server_that_speaks_no_http_is_unreachable(connect, words) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def speak() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(words)

    speaker = threading.Thread(target=speak)
    speaker.start()
    try:
        port = listener.getsockname()[1]
        assert failure(connect(enterprise_url=f"http://127.0.0.1:{port}")).kind == "unreachable"
    finally:
        speaker.join(60)
        listener.close()


def test_no_failure_repeats_the_token(github, connect) -> None:
    github.answer(401, "Bad credentials: t0ken")
    error = failure(connect())
    assert "t0ken" not in str(error)
    assert "Bad credentials: ***" in str(error)


def test_a_token_that_no_header_can_carry_is_named_but_not_shown(connect) -> None:
    error = failure(connect(token="t0ken\r\nx: y"))
    assert error.kind == "settings"
    assert "t0ken" not in str(error)


def test_a_token_that_cannot_be_had_is_the_settings_fault(connect) -> None:
    account = connect()

    def missing() -> str:
        raise SettingsError("secret env:TOKEN is not set")

    account.provider._connection._secret = missing
    with pytest.raises(SettingsError, match="env:TOKEN"):
        account.poll()


def test_after_a_failure_the_next_poll_may_succeed(github, connect) -> None:
    account = connect()
    github.answer(500)
    assert failure(account).kind == "server_error"
    github.reply = github.document
    assert account.poll().observations
