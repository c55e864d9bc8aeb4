"""Sessions of ``requests``: an adapter that asks before it sends, and settles after."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter

from ratelord.capturing import governing
from ratelord.capturing.conversation import Conversation, Names
from ratelord.capturing.speech import Refusal, Speech
from ratelord.client import Client

_NO_CONNECTION: Final = (
    requests.ConnectTimeout,
    urllib3.exceptions.NewConnectionError,
    ssl.SSLCertVerificationError,
)


class GovernedAdapter(BaseAdapter):
    """Sends what may be sent, through another adapter."""

    def __init__(
        self, inner: BaseAdapter, speech: Speech, names: Names, client: Client, *, owns: bool
    ) -> None:
        super().__init__()
        self.inner = inner
        self._speech = speech
        self._names = names
        self._client = client
        self._owns = owns

    def send(self, request: requests.PreparedRequest, *args: Any, **named: Any) -> Any:
        """Send the request, if it may be sent."""
        body = request.body if isinstance(request.body, bytes) else (request.body or "")
        content = body if isinstance(body, bytes) else str(body).encode()
        path = urlsplit(request.url or "").path
        call = Conversation(self._speech, self._names, request.method or "GET", path, content)
        if call.asked is None:
            return self.inner.send(request, *args, **named)
        refused = governing.ask(self._client, call)
        if refused is not None:
            return _refused(request, refused)
        try:
            response = self.inner.send(request, *args, **named)
        except BaseException as error:
            if _never_sent(error):
                governing.free(self._client, call)
            else:
                governing.settle(self._client, call, ended=False)
            raise
        call.answered(response.status_code, response.headers, decoded=True)
        self._listen(response, call)
        return response

    def close(self) -> None:
        """Close what is inside, and who asks if nobody else uses it."""
        self.inner.close()
        if self._owns:
            self._client.close()

    def _listen(self, response: requests.Response, call: Conversation) -> None:
        """Hear what is read of the body, decoded, and settle once it ended or was closed."""
        read, close, done = response.iter_content, response.close, [False]

        def settle(*, ended: bool) -> None:
            if not done[0]:
                done[0] = True
                governing.settle(self._client, call, ended=ended)

        def iter_content(*args: Any, **named: Any) -> Iterator[Any]:
            for piece in read(*args, **named):
                call.hear(piece if isinstance(piece, bytes) else str(piece).encode())
                yield piece
            settle(ended=True)

        def closed() -> None:
            try:
                close()
            finally:
                settle(ended=False)

        response.iter_content = iter_content  # type: ignore[method-assign]  # of this one response
        response.close = closed  # type: ignore[method-assign]  # as above


def govern_session(session: Any, speech: Speech, names: Names, governor: Any) -> None:
    """Put an adapter around each of a session's."""
    client = governor if governor is not None else Client()
    for prefix, adapter in list(session.adapters.items()):
        inner = adapter.inner if isinstance(adapter, GovernedAdapter) else adapter
        session.mount(prefix, GovernedAdapter(inner, speech, names, client, owns=governor is None))


def _never_sent(error: BaseException | None) -> bool:
    """Whether there was no connection; requests says the same of one that broke afterwards."""
    while error is not None:
        if isinstance(error, _NO_CONNECTION):
            return True
        error = error.__cause__ or error.__context__
    return False


def _refused(request: requests.PreparedRequest, refusal: Refusal) -> requests.Response:
    response = requests.Response()
    response.status_code = refusal.status
    response.headers.update(refusal.headers)
    response._content = refusal.body  # noqa: SLF001 - requests has no other way to make a response
    response.request = request
    response.url = request.url or ""
    response.encoding = "utf-8"
    return response
