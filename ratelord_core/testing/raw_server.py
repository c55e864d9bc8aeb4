"""A socket on this machine that answers with whatever bytes a test wants, well-formed or not."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Final, Self

Bytes = Callable[[threading.Event], Iterator[bytes]]
"""What is sent, piece by piece; it may wait for the event, which says that the test is over."""

_ENDS: Final = b"\r\n\r\n"
_TLS: Final = b"\x16"
"""How a handshake begins, of which a server that speaks no TLS understands nothing."""


class RawServer:
    """Answers every connection with ``answer`` after its first request's head, then closes it.

    ``asked`` are the heads that came. With ``tls`` it speaks TLS by that context.
    """

    def __init__(self, answer: Bytes, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.asked: list[bytes] = []
        self._tls = tls
        self._over = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._listener = threading.Thread(target=self._listen, daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        """The same as an address."""
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._listener.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in (self._listener, *self._threads):
            thread.join(10)

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket) -> None:
        plain.settimeout(10)
        try:
            connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            with connection:
                self.asked.append(self._head(connection))
                for piece in self.answer(self._over):
                    connection.sendall(piece)
        except OSError:  # the other side gave up, as it should
            plain.close()

    @staticmethod
    def _head(connection: socket.socket) -> bytes:
        head = b""
        while _ENDS not in head and (more := connection.recv(65_536)):
            head += more
            if head.startswith(_TLS):
                break
        return head


def saying(
    status: int = 200, body: bytes = b"", *, length: int | None = None, **headers: str
) -> Bytes:
    """An HTTP answer, the last on its connection; ``_`` in a header's name is a hyphen. ``length``
    may lie."""
    size = str(len(body) if length is None else length)
    told = {"content_length": size, "connection": "close", **headers}
    lines = [f"HTTP/1.1 {status} X", *(f"{k.replace('_', '-')}: {v}" for k, v in told.items())]
    return lambda _over: iter([("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body])


def sending(*pieces: bytes) -> Bytes:
    """Exactly these bytes."""
    return lambda _over: iter(pieces)


def dripping(over: threading.Event) -> Iterator[bytes]:
    """A good beginning, then a byte now and then, for ever."""
    yield b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n{"
    while not over.wait(0.05):
        yield b" "


def silent(over: threading.Event) -> Iterator[bytes]:
    """Nothing at all, for ever."""
    over.wait(30)
    yield from ()


def endless(over: threading.Event) -> Iterator[bytes]:
    """A body that does not end, as fast as it is read."""
    yield b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    piece = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    while not over.is_set():
        yield piece


def bomb(megabytes: int = 64) -> Bytes:
    """A small body that unpacks to a large one."""
    return saying(body=gzip.compress(bytes(megabytes << 20), 9), content_encoding="gzip")
