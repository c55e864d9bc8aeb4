"""Strangers at the built-in transport: how slow, how long-winded and how many they may be."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest

from ratelord_core.testing.transport_contract import echo
from ratelord_federation.serving import HttpServed

HEAD = b"POST /v1/federation/ping HTTP/1.1\r\nhost: here\r\n"
WHOLE = HEAD + b"content-length: 1\r\n\r\n1"


def bounded(visit: Callable[[int], Any], patience: float, most: int) -> Any:
    """What a visit to the port of a place with such bounds gives."""

    async def play() -> Any:
        there = HttpServed(echo, None, None, patience=patience, most=most)
        await there.open("127.0.0.1", 0)
        try:
            return await asyncio.to_thread(visit, int(there.address.text.rpartition(":")[2]))
        finally:
            await there.aclose()

    return asyncio.run(play())


def said_until_the_end(connection: socket.socket) -> bytes:
    """What the other side says until it hangs up."""
    said = b""
    try:
        while piece := connection.recv(65536):
            said += piece
    except ConnectionError:
        return said
    return said


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\r\n",
        HEAD,
        HEAD + b"content-length: 9\r\n\r\nping",
        WHOLE + HEAD,
    ],
    ids=["nothing", "a line", "half a head", "half a body", "half of the next"],
)
def test_who_does_not_end_a_request_is_hung_up_on(sent: bytes) -> None:
    def visit(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(sent)
            return said_until_the_end(connection)

    # What is whole is answered, if a busy machine can send it in that time.
    said = (bounded(visit, patience, most=9) for patience in (0.1, 1.0, 10.0))

    assert any(one.count(b"HTTP/1.1 200") == sent.count(WHOLE) for one in said)


def test_a_head_without_an_end_is_not_taken() -> None:
    def visit(port: int) -> bool:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(HEAD + b"x: ")
            try:
                for _ in range(1000):
                    connection.sendall(b"y" * 65536)
            except OSError:
                return True
        return False

    assert bounded(visit, patience=60.0, most=9)


def test_there_are_so_many_connections_and_room_again_after_them() -> None:
    last = WHOLE.replace(b"host", b"connection: close\r\nhost")

    def visit(port: int) -> list[bytes]:
        place = ("127.0.0.1", port)
        with socket.create_connection(place, timeout=60) as first:
            first.sendall(WHOLE)
            said = [first.recv(8)]
            with socket.create_connection(place, timeout=60) as second:
                said.append(said_until_the_end(second))
            first.sendall(last)
            said.append(said_until_the_end(first)[-6:])
        with socket.create_connection(place, timeout=60) as third:
            third.sendall(last)
            return [*said, said_until_the_end(third)[-6:]]

    assert bounded(visit, patience=60.0, most=1) == [b"HTTP/1.1", b"", b"ping 1", b"ping 1"]
