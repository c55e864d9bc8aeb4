"""The proxy's own lines to the daemon: kept, replaced, given up, and never more than so many."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ratelord.decision import Decision
from ratelord.errors import DaemonUnreachable, RequestRefused
from ratelord_proxy.desk import MOST_LINES, Desk

ANSWER = {
    "intent_id": "i-1",
    "decision": "approve",
    "allowed": True,
    "reason_code": "ok",
    "reason": "go",
}
IDS = ("agent:one", "key:one", "scan")


def reply(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    told = {"Content-Length": str(len(body)), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in told.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


YES = reply(json.dumps(ANSWER).encode())

BROKEN = YES[:-10]


class Daemon:
    """Answers each request with the next of ``says`` (the last stays); None hangs up."""

    def __init__(self) -> None:
        self.says: list[bytes | None] = [YES]
        self.asked: list[bytes] = []
        self.connections = 0
        self.most = 0
        self.pause: Callable[[], Awaitable[Any]] | None = None
        self._answering: set[asyncio.Task[Any]] = set()

    async def end(self) -> None:
        """Answer nobody any more."""
        answering = tuple(self._answering)
        for task in answering:
            task.cancel()
        await asyncio.gather(*answering)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here = asyncio.current_task()
        assert here is not None
        self._answering.add(here)  # a loop alone does not keep who waits for ever from vanishing
        self.connections += 1
        self.most = max(self.most, self.connections)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
                self.asked.append(head + await reader.readexactly(length))
                if self.pause is not None:
                    await self.pause()
                said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
                if said is None:
                    return
                writer.write(said)
                if said == BROKEN:
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            return
        finally:
            self._answering.discard(here)
            self.connections -= 1
            writer.close()


@asynccontextmanager
async def desk(daemon: Daemon, socket: Path | None = None, **options: Any) -> AsyncIterator[Desk]:
    if socket is None:
        server = await asyncio.start_server(daemon, "127.0.0.1", 0)
        where = {"url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/below"}
    else:
        server = await asyncio.start_unix_server(daemon, socket)
        where = {"socket": str(socket)}
    try:
        async with Desk(**where, **{"timeout": 60.0, **options}) as made:
            yield made
    finally:
        server.close()
        await daemon.end()


def test_questions_and_reports_share_a_line_and_say_who_asks() -> None:
    daemon = Daemon()
    settled = reply(b'{"intent_id":"i-1","outcome":"success"}', X_Request_Id="7")
    daemon.says = [YES, settled, YES]

    async def play() -> None:
        async with desk(daemon, token="t0ken") as client:
            assert await client.ask(*IDS)
            assert (await client.report("a/b")).outcome == "success"
            assert await client.ask(*IDS)

    asyncio.run(play())

    assert daemon.most == 1
    assert daemon.asked[0].startswith(b"POST /below/v1/intent HTTP/1.1\r\n")
    assert daemon.asked[1].startswith(b"POST /below/v1/intents/a%2Fb/report HTTP/1.1\r\n")
    assert all(b"\r\nauthorization: Bearer t0ken\r\n" in one for one in daemon.asked)


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(YES.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), id="said so"),
        pytest.param(None, id="hung up"),
        pytest.param(BROKEN, id="broke off"),
        pytest.param(b"what?\r\n\r\n", id="noise"),
        pytest.param(YES + YES, id="said more than was asked"),
    ],
)
def test_a_line_that_cannot_be_kept_is_replaced(before: bytes | None) -> None:
    daemon = Daemon()
    daemon.says = [before, YES]

    async def play() -> list[Decision]:
        async with desk(daemon) as client:
            return [await client.ask(*IDS), await client.ask(*IDS)]

    decided = asyncio.run(play())

    assert all(one.allowed for one in decided)


def test_a_reply_in_chunks_is_put_together() -> None:
    daemon = Daemon()
    body = json.dumps(ANSWER).encode()
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in (body[:9], body[9:], b""))
    daemon.says = [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunks, YES]

    async def play() -> None:
        async with desk(daemon) as client:
            assert await client.ask(*IDS)
            assert await client.ask(*IDS)

    asyncio.run(play())
    assert daemon.most == 1


def test_words_before_the_reply_are_not_the_reply() -> None:
    daemon = Daemon()
    daemon.says = [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: /x\r\n\r\n" + YES]

    async def play() -> None:
        async with desk(daemon) as client:
            assert await client.ask(*IDS)
            assert await client.ask(*IDS)

    asyncio.run(play())
    assert daemon.most == 1


def test_who_would_speak_another_protocol_is_hung_up_on(caplog: pytest.LogCaptureFixture) -> None:
    daemon = Daemon()
    daemon.says = [b"HTTP/1.1 101 Other\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", YES]

    async def play() -> tuple[Decision, Decision]:
        async with desk(daemon) as client:
            return await client.ask(*IDS), await client.ask(*IDS)

    first, second = asyncio.run(play())

    assert "101" in first.reason
    assert second.allowed
    assert "Fatal error" not in caplog.text


def test_a_refusal_of_the_question_is_told_with_its_code() -> None:
    daemon = Daemon()
    problem = json.dumps({"code": "malformed", "detail": "no agent"}).encode()
    daemon.says = [reply(problem, "422 Unprocessable", X_Request_Id="r-1")]

    async def play() -> None:
        async with desk(daemon) as client:
            with pytest.raises(RequestRefused, match="no agent") as refused:
                await client.report("i-1")
            assert refused.value.code == "malformed"
            assert refused.value.request_id == "r-1"

    asyncio.run(play())


def test_nobody_there_and_nobody_answering_are_denials_that_say_so() -> None:
    daemon = Daemon()
    silence = asyncio.Event
    daemon.pause = lambda: silence().wait()

    async def play() -> None:
        async with Desk(url="http://127.0.0.1:9", timeout=60.0) as client:
            gone = await client.ask(*IDS)
            assert gone.synthetic
            assert "ratelord up" in gone.reason
        async with desk(daemon, timeout=0.3) as client:
            silent = await client.ask(*IDS)
            assert silent.synthetic
            assert "in time" in silent.reason
            with pytest.raises(DaemonUnreachable):
                await client.report("i-1")

    asyncio.run(play())


def test_a_question_that_is_given_up_is_taken_back_on_another_line() -> None:
    daemon = Daemon()

    async def play() -> None:
        begun = asyncio.Event()

        async def pause() -> None:
            daemon.pause = None
            begun.set()
            await asyncio.Event().wait()

        daemon.pause = pause
        daemon.says = [YES, reply(b'{"intent_id":"i-1","outcome":"cancelled"}')]
        async with desk(daemon) as client:
            asking = asyncio.create_task(client.ask(*IDS))
            await begun.wait()
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking

    asyncio.run(play())

    first, again, freed = daemon.asked
    assert first == again, "by the same key"
    assert b'"outcome":"cancelled"' in freed


def test_there_are_never_more_lines_than_so_many() -> None:
    daemon = Daemon()
    daemon.pause = lambda: asyncio.sleep(0)

    async def play() -> list[Decision]:
        async with desk(daemon) as client:
            return await asyncio.gather(*(client.ask(*IDS) for _ in range(3 * MOST_LINES)))

    decided = asyncio.run(play())

    assert all(decided)
    assert daemon.most <= MOST_LINES


def test_a_socket_of_the_file_system_will_do(tmp_path: Path) -> None:
    daemon = Daemon()

    async def play() -> None:
        async with desk(daemon, tmp_path / "s") as client:
            assert await client.ask(*IDS)

    asyncio.run(play())
    assert daemon.asked[0].startswith(b"POST /v1/intent HTTP/1.1\r\nhost: localhost\r\n")
