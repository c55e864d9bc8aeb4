"""The server over real sockets: listening, bounds on what a stranger sends, stopping in order."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ratelord_core.clock import SeededEntropy
from ratelord_core.doors import Receive, Scope, Send
from ratelord_core.errors import SettingsError
from ratelord_core.http.body import discard, read_body
from ratelord_core.http.exchange import Exchange, Reply
from ratelord_core.http.limits import Limits
from ratelord_core.http.problems import HttpRefusal, problem_reply
from ratelord_core.http.request_id import RequestIds
from ratelord_core.http.server import Server, serve
from ratelord_core.http.tls import TlsFiles


class Echo:
    """Sends bodies of up to 64 KiB back; holds a request to /held until it is let go."""

    def __init__(self) -> None:
        self.ids = RequestIds(SeededEntropy())
        self.entered = asyncio.Event()
        self.released = asyncio.Event()
        self.closed = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        exchange = Exchange(scope, receive, headers, self.ids.name(headers))
        if scope["path"] == "/held":
            self.entered.set()
            await self.released.wait()
        try:
            body = await read_body(exchange, 64 * 1024, optional=True)
            await Reply(body or b"{}").send(exchange, send)
        except HttpRefusal as error:
            await discard(exchange)
            await problem_reply(error, exchange).send(exchange, send)

    def close(self) -> None:
        self.closed.set()

    async def finish(self) -> None:
        """Nothing goes on here after a request."""


@asynccontextmanager
async def serving(echo: Echo, **options: object) -> AsyncIterator[Server]:
    server = await serve(echo, port=0, **options)
    try:
        yield server
    finally:
        await server.stop()


async def talk(server: Server, request: bytes) -> bytes:
    """What the server sends back until it hangs up."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        writer.write(request)
        return await asyncio.wait_for(reader.read(), 60)
    finally:
        writer.close()


def post(body: bytes, *headers: bytes, kind: bytes = b"application/json") -> bytes:
    lines = (b"POST / HTTP/1.1", b"Host: localhost", b"Content-Type: " + kind, b"Connection: close")
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join((*lines, length, *headers)) + b"\r\n\r\n" + body


def split(raw: bytes) -> tuple[int, bytes, bytes]:
    head, _, body = raw.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), head.lower(), body


def code_of(raw: bytes) -> str:
    _, head, body = split(raw)
    assert b"content-type: application/problem+json" in head
    assert b"x-request-id: " in head
    return json.loads(body)["code"]


def test_a_free_port_is_taken_and_told():
    async def scenario() -> None:
        async with serving(Echo()) as server:
            assert server.port > 0
            assert server.url == f"http://127.0.0.1:{server.port}"
            status, head, body = split(await talk(server, post(b'{"a": 1}')))
            assert (status, body) == (200, b'{"a": 1}')
            assert b"\r\nserver:" not in head

    asyncio.run(scenario())


def test_a_taken_port_is_named_with_the_next_step():
    async def scenario() -> None:
        async with serving(Echo()) as server:
            with pytest.raises(SettingsError) as refused:
                await serve(Echo(), port=server.port)
            message = str(refused.value)
            assert f"port {server.port}" in message
            assert "--port" in message
            assert "\n" not in message

    asyncio.run(scenario())


@pytest.mark.parametrize("host", ["203.0.113.9", "no such host", "host.invalid"])
def test_a_host_that_is_not_here_is_named_with_the_next_step(host):
    with pytest.raises(SettingsError, match="--host") as refused:
        asyncio.run(serve(Echo(), host=host, port=0))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_number_that_is_no_port_is_refused(port):
    with pytest.raises(SettingsError, match="--port"):
        asyncio.run(serve(Echo(), port=port))


def test_a_certificate_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"missing\.pem"):
        asyncio.run(serve(Echo(), port=0, tls=TlsFiles(tmp_path / "missing.pem", tmp_path / "key")))


async def ask_by_socket(path: Path) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(post(b"{}"))
    reply = await reader.read()
    writer.close()
    return reply


def test_a_unix_socket_is_for_this_user_only_and_goes_with_the_server(tmp_path):
    path = tmp_path / "ratelord.sock"

    async def scenario() -> None:
        async with serving(Echo(), socket_path=path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert split(await ask_by_socket(path))[0] == 200
            with pytest.raises(SettingsError, match="taken"):
                await serve(Echo(), port=0, socket_path=path)
        assert not path.exists()

    asyncio.run(scenario())


def test_a_dead_socket_is_replaced_but_nothing_else_is(tmp_path):
    path = tmp_path / "ratelord.sock"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()

    async def scenario() -> None:
        async with serving(Echo(), socket_path=path):
            assert split(await ask_by_socket(path))[0] == 200
        path.write_text("precious")
        with pytest.raises(SettingsError, match="no socket"):
            await serve(Echo(), port=0, socket_path=path)

    asyncio.run(scenario())
    assert path.read_text() == "precious"


@pytest.mark.parametrize("place", ["no/such/folder.sock", "x" * 200])
def test_a_socket_path_that_cannot_be_used_is_named(tmp_path, place):
    with pytest.raises(SettingsError, match="choose another path"):
        asyncio.run(serve(Echo(), port=0, socket_path=tmp_path / place))


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (b"what is this\r\n\r\n", 400, "malformed_http"),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400, "malformed_http"),
        (b"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", 505, "http_version"),
        (b"GET / HTTP/0.9\r\nHost: localhost\r\n\r\n", 400, "malformed_http"),
        (b"GET /\r\n\r\n", 400, "malformed_http"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, "malformed_http"),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 431, "head_too_large"),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", 431, "head_too_large"),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", 431, "head_too_large"),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 400_000, 431, "head_too_large"),
        (post(b"x" * 65_537), 413, "body_too_large"),
        (post(b"x" * 3_000_000), 413, "body_too_large"),
        (post(b"{}", kind=b"text/plain"), 415, "unsupported_media_type"),
        (post(b"{}", kind=b""), 415, "unsupported_media_type"),
        (post(b"{}", kind=b"application/json; charset=latin-1"), 415, "unsupported_media_type"),
        (post(b"{}", kind=b"application/x-www-form-urlencoded"), 415, "unsupported_media_type"),
    ],
)
def test_what_is_malformed_or_too_large_gets_its_problem(request_bytes, status, code):
    async def scenario() -> None:
        async with serving(Echo()) as server:
            raw = await talk(server, request_bytes)
            assert (split(raw)[0], code_of(raw)) == (status, code)
            assert split(await talk(server, post(b"{}")))[0] == 200

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "kind", [b"application/json; charset=utf-8", b'Application/JSON;charset="UTF-8"']
)
def test_json_in_utf8_is_taken_however_it_is_spelled(kind):
    async def scenario() -> None:
        async with serving(Echo()) as server:
            assert split(await talk(server, post(b"{}", kind=kind)))[0] == 200

    asyncio.run(scenario())


def test_a_chunked_body_is_bounded_like_any_other():
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    chunked = head + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"%x\r\n%s\r\n" % (50_000, b" " * 50_000)

    async def scenario() -> None:
        async with serving(Echo()) as server:
            assert split(await talk(server, chunked + chunk + b"0\r\n\r\n"))[0] == 200
            raw = await talk(server, chunked + chunk * 3 + b"0\r\n\r\n")
            assert code_of(raw) == "body_too_large"

    asyncio.run(scenario())


IMPATIENT = Limits(request_timeout=0.05)
"""Waits for a whole request as long as a test can wait."""


@pytest.mark.parametrize(
    "beginning", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: loc", post(b"x" * 10)[:-5]]
)
def test_who_does_not_finish_a_request_in_time_is_hung_up_on(beginning):
    async def scenario() -> None:
        async with serving(Echo(), limits=IMPATIENT) as server:
            assert code_of(await talk(server, beginning)) == "too_slow"

    asyncio.run(scenario())


def test_a_connection_that_waits_between_requests_is_not_slow():
    keep = post(b"{}").replace(b"Connection: close", b"Connection: keep-alive")

    async def scenario() -> None:
        async with serving(Echo(), limits=Limits(request_timeout=1.0)) as server:
            reader, writer = await asyncio.open_connection(server.host, server.port)
            for rest in (1.5, 0.0):
                writer.write(keep)
                assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
                assert await reader.readexactly(2) == b"{}"
                await asyncio.sleep(rest)  # longer than a request may take to arrive
            writer.close()

    asyncio.run(scenario())


def test_a_stop_closes_the_application_and_lets_a_request_under_way_finish():
    async def scenario() -> None:
        echo = Echo()
        server = await serve(echo, port=0)
        asking = asyncio.create_task(talk(server, post(b"{}").replace(b"POST /", b"POST /held")))
        await echo.entered.wait()
        stopping = asyncio.create_task(server.stop())
        await echo.closed.wait()
        echo.released.set()
        assert split(await asking)[0] == 200
        await stopping
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(server.host, server.port)

    asyncio.run(scenario())


def test_a_request_that_never_ends_does_not_hold_up_a_stop_for_ever():
    async def scenario() -> None:
        echo = Echo()
        server = await serve(echo, port=0, grace=1)
        asking = asyncio.create_task(talk(server, post(b"{}").replace(b"POST /", b"POST /held")))
        await echo.entered.wait()
        await asyncio.wait_for(server.stop(), 60)
        await asking

    asyncio.run(scenario())
