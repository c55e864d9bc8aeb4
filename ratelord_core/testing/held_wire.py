"""A wire to a server on this machine whose answers can be held back, and that can be cut."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class HeldWire:
    """Passes connections to ``url`` on to that server. ``hold`` keeps its answers back until
    ``let_go``; ``cut`` breaks every connection and takes no new one. ``left`` is set when a client
    has closed one since answers were last held back."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._flows = threading.Event()
        self._flows.set()
        self.left = threading.Event()
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        """Where it takes connections."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def hold(self) -> None:
        """Keep back what the server answers from now on."""
        self._flows.clear()
        self.left.clear()

    def let_go(self) -> None:
        """Pass on what was kept back, and all that follows."""
        self._flows.set()

    def cut(self) -> None:
        """Be gone, as a server is that died."""
        for end in (self._socket, *self._ends):
            _break(end)
        self._flows.set()

    def __enter__(self) -> Self:
        self._begin(self._listen)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.cut()
        for thread in self._threads:
            thread.join(10)

    def _begin(self, work: Callable[..., None], *words: object) -> None:
        thread = threading.Thread(target=work, args=words, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        while True:
            try:
                near, _ = self._socket.accept()
                far = socket.create_connection(self._target)
            except OSError:
                return
            self._ends += (near, far)
            self._begin(self._pass_on, near, far)
            self._begin(_pass, far, near, self._flows)

    def _pass_on(self, near: socket.socket, far: socket.socket) -> None:
        always = threading.Event()
        always.set()
        _pass(near, far, always)
        self.left.set()


def _pass(source: socket.socket, sink: socket.socket, flows: threading.Event) -> None:
    """Pass bytes one way, while they may flow."""
    with suppress(OSError):  # one of the ends is gone, and so is the other then
        while piece := source.recv(65_536):
            flows.wait()
            sink.sendall(piece)
    _break(sink)


def _break(end: socket.socket) -> None:
    with suppress(OSError):  # it was broken before
        end.shutdown(socket.SHUT_RDWR)
    end.close()
