"""Whatever a provider answers: the caller gets just that, and every hold is settled."""

from __future__ import annotations

import gzip
import re
import resource
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

import ratelord
from ratelord_core.testing.desk import Desk, desks, patiently

POLICY = """
providers:
  openai: [{id: openai, mode: manual, models: {gpt-x: {requests: 100000, tokens: 100000000}}}]
"""
CALL = "/v1/chat/completions"
ASK = {"model": "gpt-x", "messages": [{"role": "user", "content": "one"}], "max_tokens": 5}
KEY = {"authorization": "Bearer sk-s3cret"}
WAYS = ["capture", "proxy"]
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
BOMB = gzip.compress(b" " * (128 << 20), 1)
HTML = b"<html>we are being serviced</html>"


def whole(body: bytes, head: bytes = HEAD) -> bytes:
    """A response of this length."""
    return head + f"content-length: {len(body)}\r\n\r\n".encode() + body


class Rude:
    """A server that answers every request with the same bytes, in pieces, and hangs up."""

    def __init__(self) -> None:
        self.says: list[bytes] = []
        self.asked: list[bytes] = []
        self.pause = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(20)
        try:
            asked = b""
            while b"\r\n\r\n" not in asked:
                asked += self._more(connection)
            head, _, body = asked.partition(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head.lower())
            while length and len(body) < int(length[1]):  # what is unread would break the answer
                body += self._more(connection)
            self.asked.append(head)
            for number, piece in enumerate(self.says):
                if number:
                    self.pause.wait(0.05)
                connection.sendall(piece)
        except OSError:
            return

    @staticmethod
    def _more(connection: socket.socket) -> bytes:
        if not (more := connection.recv(65536)):
            raise ConnectionResetError("it hung up before it had asked")
        return more

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desks(tmp_path_factory.mktemp("bad"), POLICY) as begin:
        yield begin()


@pytest.fixture(scope="module")
def rude() -> Iterator[Rude]:
    server = Rude()
    yield server
    server.close()


@pytest.fixture(scope="module")
def proxy(desk: Desk, rude: Rude, running: Callable[..., Any]) -> Iterator[str]:
    words = ("--provider", "openai", "--upstream", rude.url)
    with running(*words, RATELORD_URL=desk.daemon.url) as url:
        yield url


@pytest.fixture(params=WAYS)
def client(request: Any, desk: Desk, rude: Rude, proxy: str) -> Iterator[httpx2.Client]:
    """Whoever calls; ``accept-encoding`` is as httpx2 says it."""
    url = proxy if request.param == "proxy" else rude.url
    with (
        ratelord.Client(desk.daemon.url, timeout=60) as governor,
        httpx2.Client(base_url=url, headers=KEY, timeout=20, trust_env=False) as made,
    ):
        if request.param == "capture":
            ratelord.capture(made, speech="openai", governor=governor)
        yield made


def outcome(desk: Desk) -> tuple[str, dict[str, int]]:
    """How the last call was reported; nothing is held then."""

    def told() -> Any:
        reported = desk.get("/v1/events?type=intent_reported&limit=1")
        decided = desk.get("/v1/events?type=intent_decided&limit=1")
        return reported[0] if reported and reported[0]["seq"] > decided[0]["seq"] else None

    payload = patiently(told)["payload"]
    assert not any(pool["held"] for pool in desk.pools())
    return payload.get("outcome", "success"), dict(payload["settled"])


ANSWERS = {
    "html": (whole(HTML, HEAD.replace(b"application/json", b"text/html")), HTML),
    "html that says it is JSON": (whole(HTML), HTML),
    "no usage": (whole(b'{"usage": "lots"}'), b'{"usage": "lots"}'),
    "negative usage": (whole(b'{"usage":{"prompt_tokens":-5,"completion_tokens":1e400}}'),) * 2,
    "a list": (whole(b"[[[[]]]]"), b"[[[[]]]]"),
    "nested too deeply": (whole(b"[" * 99_999), b"[" * 99_999),
    "nothing": (whole(b""), b""),
    "not what it was packed as": (
        whole(b"no gzip", HEAD + b"content-encoding: gzip\r\n"),
        b"no gzip",
    ),
    "an unknown coding": (whole(b"x", HEAD + b"content-encoding: klingon\r\n"), b"x"),
    "no length": (HEAD + b"connection: close\r\n\r\n{}", b"{}"),
    "limits that make no sense": (
        whole(
            b"{}",
            HEAD + b"x-ratelimit-limit-requests: -3\r\nx-ratelimit-remaining-requests: -9\r\n"
            b"x-ratelimit-reset-requests: yesterday\r\nretry-after: NaN\r\n",
        ),
        b"{}",
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_the_caller_gets_what_was_sent_byte_for_byte(
    client: httpx2.Client, rude: Rude, desk: Desk, name: str
) -> None:
    sent, body = ANSWERS[name]
    rude.says = [sent]
    with client.stream("POST", CALL, json=ASK) as answer:
        assert answer.status_code == 200
        got = b"".join(answer.iter_raw())
    assert got == body or sent.endswith(got)
    state, units = outcome(desk)
    assert state == "success"
    assert units["openai/gpt-x/requests"] == 1
    assert desk.pool("openai/gpt-x/requests")["limit"] == 100_000, "nonsense is not believed"


def test_a_bomb_is_passed_on_packed_and_never_unpacked(
    client: httpx2.Client, rude: Rude, desk: Desk
) -> None:
    rude.says = [whole(BOMB, HEAD + b"content-encoding: gzip\r\n")]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with client.stream("POST", CALL, json=ASK) as answer:
        assert b"".join(answer.iter_raw()) == BOMB
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10, "KiB"
    assert outcome(desk)[0] == "success"


def test_a_response_that_breaks_off_breaks_off_for_the_caller(
    client: httpx2.Client, rude: Rude, desk: Desk
) -> None:
    rude.says = [HEAD + b"content-length: 100\r\n\r\n", b'{"usage":']
    with pytest.raises(httpx2.HTTPError):
        client.post(CALL, json=ASK)
    assert outcome(desk)[0] == "error"
    chunk = b'data: {"choices":[{"delta":{"content":"word"}}]}\n\n'
    stream = HEAD.replace(b"application/json", b"text/event-stream")
    packed = f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n"
    rude.says = [stream + b"transfer-encoding: chunked\r\n\r\n", packed, packed]
    with pytest.raises(httpx2.HTTPError):
        client.post(CALL, json=ASK)
    state, units = outcome(desk)
    assert state == "error"
    assert units["openai/gpt-x/tokens"] == 3, "one of input, two that came"


@pytest.mark.parametrize(
    "said",
    [b"", b"\x00\x01\x02 what?\r\n\r\n", b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n"],
    ids=["silence", "noise", "broken head"],
)
def test_an_answer_that_is_none_is_an_error(
    client: httpx2.Client, rude: Rude, desk: Desk, proxy: str, said: bytes
) -> None:
    rude.says = [said]
    if str(client.base_url).rstrip("/") == proxy:
        answer = client.post(CALL, json=ASK)
        assert answer.status_code == 502
        assert "s3cret" not in answer.text
    else:
        with pytest.raises(httpx2.HTTPError):
            client.post(CALL, json=ASK)
    state, units = outcome(desk)
    assert state == "error"
    assert units["openai/gpt-x/requests"] == 1, "nobody knows whether it was counted"


def test_a_slow_body_flows_as_it_comes(client: httpx2.Client, rude: Rude, desk: Desk) -> None:
    rude.says = [whole(b" " * 5 + b'{"usage":{"prompt_tokens":1,"completion_tokens":2}}')[:-40]]
    rude.says += [
        bytes([one]) for one in whole(b'{"usage":{"prompt_tokens":1,"completion_tokens":2}}')[-40:]
    ]
    assert client.post(CALL, json=ASK).json()["usage"]["completion_tokens"] == 2
    assert outcome(desk) == ("success", {"openai/gpt-x/requests": 1, "openai/gpt-x/tokens": 3})


def test_a_redirect_elsewhere_never_gets_the_key(
    client: httpx2.Client, rude: Rude, desk: Desk
) -> None:
    elsewhere = Rude()
    elsewhere.says = [whole(b"{}")]
    target = elsewhere.url.replace("127.0.0.1", "localhost")
    rude.says = [
        f"HTTP/1.1 307 Moved\r\nlocation: {target}{CALL}\r\ncontent-length: 0\r\n\r\n".encode()
    ]
    try:
        kept = client.post(CALL, json=ASK)
        assert kept.headers["location"] == f"{target}{CALL}", "followed by nobody but the caller"
        assert elsewhere.asked == []
        client.post(CALL, json=ASK, follow_redirects=True)
        assert len(elsewhere.asked) == 1
        assert b"s3cret" not in elsewhere.asked[0]
    finally:
        elsewhere.close()
    outcome(desk)


def test_a_redirect_within_the_provider_stays_governed(proxy: str, rude: Rude) -> None:
    rude.says = [
        f"HTTP/1.1 307 Moved\r\nlocation: {rude.url}/v2/x\r\ncontent-length: 0\r\n\r\n".encode()
    ]
    answer = httpx2.post(proxy + CALL, json=ASK, trust_env=False, timeout=60)
    assert answer.headers["location"] == "/v2/x"


def test_a_certificate_that_is_not_the_providers_ends_it(
    desk: Desk, running: Callable[..., Any], tmp_path: Path
) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(_self_signed(tmp_path))
        at = stack.enter_context(
            running("--provider", "openai", "--upstream", url, RATELORD_URL=desk.daemon.url)
        )
        answer = httpx2.post(at + CALL, json=ASK, headers=KEY, trust_env=False, timeout=20)
        assert answer.status_code == 502
        assert "certificate" in answer.text.lower()
        assert outcome(desk)[0] == "cancelled", "the key was never sent"
        with httpx2.Client(base_url=url, headers=KEY, trust_env=False, timeout=60) as client:
            governor = stack.enter_context(ratelord.Client(desk.daemon.url, timeout=60))
            ratelord.capture(client, speech="openai", governor=governor)
            with pytest.raises(httpx2.ConnectError):
                client.post(CALL, json=ASK)
        assert outcome(desk)[0] == "cancelled"


def _self_signed(folder: Path) -> Any:
    from contextlib import contextmanager
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1)).sign(key, hashes.SHA256())  # fmt: skip
    plain = serialization.NoEncryption()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain
    )
    pem = folder / "server.pem"
    pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    pem.chmod(0o600)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    @contextmanager
    def serving() -> Iterator[str]:
        listener = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with suppress(OSError), context.wrap_socket(connection, server_side=True):
                    pass

        threading.Thread(target=serve, daemon=True).start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        listener.close()

    return serving()
