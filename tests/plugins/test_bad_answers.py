"""Whatever comes back over the socket, a poll of any provider ends soon, by its name, and tells nobody the key."""

from __future__ import annotations

import datetime as dt
import gzip
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ratelord_anthropic.plugin import ANTHROPIC
from ratelord_core.errors import ProviderFailed
from ratelord_core.testing.raw_server import (
    RawServer,
    bomb,
    dripping,
    endless,
    saying,
    sending,
    silent,
)
from ratelord_gemini.plugin import GEMINI
from ratelord_github.plugin import GithubFactory
from ratelord_headers.plugin import HEADERS
from ratelord_openai.plugin import OPENAI

SECRET = "s3cret-5f0e9c27ab"
PAGE = b"<!doctype html><title>Log in to the network</title>"
HEAD = b"HTTP/1.1 200 OK\r\n"

PROVIDERS: dict[str, tuple[Any, Callable[[str], dict[str, Any]]]] = {
    "github": (GithubFactory(), lambda url: {"enterprise_url": url}),
    "openai": (OPENAI, lambda url: {"base_url": url, "mode": "probe"}),
    "anthropic": (ANTHROPIC, lambda url: {"base_url": url, "mode": "probe"}),
    "gemini": (GEMINI, lambda url: {"base_url": url, "mode": "probe"}),
    "headers": (HEADERS, lambda url: {"probe_url": f"{url}/me"}),
}

BAD: dict[str, tuple[Any, str]] = {
    # what a body may be
    "an HTML page": (saying(200, PAGE, content_type="text/html"), "malformed"),
    "nothing": (saying(200), "malformed"),
    "half a JSON": (saying(200, b'{"resources": {'), "malformed"),
    "bytes that are no text": (saying(200, b"\xff\xfe\x00"), "malformed"),
    "a bomb": (bomb(), "malformed"),
    "half a gzip": (
        saying(200, gzip.compress(b"x" * 99)[:-9], content_encoding="gzip"),
        "malformed",
    ),
    "no gzip": (saying(200, b"plain", content_encoding="gzip"), "malformed"),
    "an encoding that nobody asked for": (
        saying(200, b"\x0b", content_encoding="br"),
        "malformed",
    ),
    "a body without an end": (endless, "malformed"),
    "a body that is shorter than it says": (saying(200, b"{}", length=99), "unreachable"),
    # how it comes
    "a body that drips": (dripping, "timeout"),
    "silence": (silent, "timeout"),
    "a connection that is closed at once": (sending(), "unreachable"),
    "no HTTP": (sending(b"220 mail.example ESMTP\r\n"), "unreachable"),
    "a header that is none": (sending(HEAD, b"no colon here\r\n\r\n"), "unreachable"),
    "a header of a megabyte": (
        sending(HEAD, b"x: " + b"y" * (1 << 20), b"\r\n\r\n"),
        "unreachable",
    ),
    "a length that is no number": (
        sending(HEAD, b"content-length: many\r\n\r\n{}"),
        "unreachable",
    ),
    "two lengths": (
        sending(HEAD, b"content-length: 2\r\ncontent-length: 3\r\n\r\n{} "),
        "unreachable",
    ),
    # what it says
    "no key": (saying(401, b"{}"), "unauthorized"),
    "forbidden": (saying(403, b"{}"), "forbidden"),
    "limited": (saying(429, b"{}", retry_after="7"), "rate_limited"),
    "limited for ever": (saying(429, b"{}", retry_after="99999999999"), "rate_limited"),
    "limited, nobody knows how long": (saying(429, b"{}", retry_after="soon"), "rate_limited"),
    "down": (saying(503, PAGE, retry_after="Fri, 01 Jan 2100 00:00:00 GMT"), "server_error"),
    "a status of the future": (saying(799, b"{}"), "server_error"),
    "gone": (saying(410, PAGE), "malformed"),
    "an error that repeats the key": (
        saying(
            400, f'{{"error": {{"message": "bad key {SECRET}"}}, "message": "{SECRET}"}}'.encode()
        ),
        "malformed",
    ),
    # where it points
    "a redirect to nowhere": (saying(302), "malformed"),
    "a redirect to no address": (saying(302, location="http://[oops"), "malformed"),
    "a redirect to itself, for ever": (saying(307, location="?again"), "malformed"),
}


@pytest.fixture
def listen() -> Iterator[Callable[..., RawServer]]:
    with ExitStack() as stack:
        yield lambda answer, **how: stack.enter_context(RawServer(answer, **how))


def failure(account: Any, who: str, url: str, **options: Any) -> ProviderFailed:
    factory, reached = PROVIDERS[who]
    made = account(factory, SECRET, **reached(url), **options)
    began = time.monotonic()
    with pytest.raises(ProviderFailed) as caught:
        made.poll()
    assert time.monotonic() - began < 60
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(vars(caught.value))
    return caught.value


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("who", PROVIDERS)
def test_a_bad_answer_has_a_name(account, listen, who, what) -> None:
    answer, kind = BAD[what]
    waits = {"timeout": "400ms"} if kind == "timeout" else {"timeout": "30s"}
    assert failure(account, who, listen(answer).url, **waits).kind == kind


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("who", PROVIDERS)
def test_no_redirect_takes_the_key_to_another_host(account, listen, who, status) -> None:
    elsewhere = listen(saying(200, b"{}"))
    for location in (f"http://localhost:{elsewhere.port}/", f"//127.0.0.1:{elsewhere.port}/x"):
        here = listen(saying(status, location=location))
        assert failure(account, who, here.url).kind == "malformed"
        assert SECRET.encode() in here.asked[0]
    assert elsewhere.asked == []


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """The context of a server whose certificate nobody but itself has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    day = dt.timedelta(days=1)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    signed = made.not_valid_before(now - day).not_valid_after(now + day).sign(key, hashes.SHA256())
    file: Path = tmp_path_factory.mktemp("tls") / "server.pem"
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    file.write_bytes(key.private_bytes(pem, *form) + signed.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.mark.parametrize("who", PROVIDERS)
def test_a_certificate_that_nobody_signed_gets_no_key(account, listen, self_signed, who) -> None:
    server = listen(saying(200, b"{}"), tls=self_signed)
    failed = failure(account, who, server.url)
    assert failed.kind == "unreachable"
    assert "certificate" in failed.detail.lower()
    assert server.asked == []


@pytest.mark.parametrize("who", PROVIDERS)
def test_a_server_without_tls_gets_no_key(account, listen, who) -> None:
    server = listen(saying(200, b"{}"))
    assert failure(account, who, server.url.replace("http:", "https:")).kind == "unreachable"
    assert not any(SECRET.encode() in head for head in server.asked)


@pytest.mark.parametrize("who", PROVIDERS)
def test_nobody_there_is_unreachable(account, who) -> None:
    with socket.socket() as kept:  # bound, so that nobody else listens there, and deaf
        kept.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{kept.getsockname()[1]}"
        assert failure(account, who, url).kind == "unreachable"
