"""The built-in transport keeps the contract of all transports, and bears strangers."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ratelord_core.errors import (
    LeaderMoved,
    NobodyThere,
    PeerFailed,
    SettingsError,
    TooLarge,
    TransportFailed,
    TurnedAway,
)
from ratelord_core.model.instant import MINUTE
from ratelord_core.testing.raw_server import RawServer, endless, saying, sending, silent
from ratelord_core.testing.transport_contract import TransportContract, echo
from ratelord_core.transport import MAX_BODY, Address, Security
from ratelord_federation.plugin import HttpFactory

PLACE = Address("http://127.0.0.1:0")
OPEN = Security()


class TestHttp(TransportContract):
    @pytest.fixture
    def factory(self):
        return HttpFactory()

    @pytest.fixture
    def place(self):
        return PLACE.text


def called(address: Address, security: Security = OPEN, within: int = MINUTE) -> bytes:
    """The reply to one ping."""

    async def play() -> bytes:
        link = HttpFactory().build(security).connect(address)
        try:
            return await link.call("ping", b"1", within)
        finally:
            await link.aclose()

    return asyncio.run(play())


def served(security: Security, place: Address, visit: Callable[[Address], Any]) -> Any:
    """What a visit to a place gives; the visitor runs in a thread of its own."""

    async def play() -> Any:
        there = await HttpFactory().build(security).serve(place, echo)
        try:
            return await asyncio.to_thread(visit, there.address)
        finally:
            await there.aclose()

    return asyncio.run(play())


def test_both_sides_have_the_same_credential() -> None:
    known = Security("s3cret")
    assert served(known, PLACE, lambda at: called(at, known)) == b"ping 1"


@pytest.mark.parametrize("shown", [None, "other", "s3crets"])
def test_another_credential_is_turned_away(shown: str | None) -> None:
    with pytest.raises(TurnedAway) as failed:
        served(Security("s3cret"), PLACE, lambda at: called(at, Security(shown)))
    assert not failed.value.may_have_acted


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("GET", "/v1/federation/ping", {}, 404),
        ("POST", "/v1/federation/", {}, 404),
        ("POST", "/v1/federation/a/b", {}, 404),
        ("POST", "/v1/intent", {}, 404),
        ("POST", "/v1/federation/ping", {"headers": {"origin": "http://page.example"}}, 403),
        ("POST", "/v1/federation/ping", {"content": bytes(MAX_BODY + 1)}, 413),
        ("POST", "/v1/federation/ping", {"content": b"hello"}, 200),
    ],
)
def test_only_messages_are_answered(method: str, path: str, sent: Any, status: int) -> None:
    def visit(at: Address) -> httpx2.Response:
        return httpx2.request(method, at.text + path, timeout=60, trust_env=False, **sent)

    assert served(Security(), PLACE, visit).status_code == status


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (saying(200, b"x" * 10, length=20), NobodyThere),
        (saying(302, location="http://elsewhere.example/"), PeerFailed),
        (saying(404, b"<html>"), PeerFailed),
        (saying(401, b"{}"), TurnedAway),
        (saying(413, b"{}"), TooLarge),
        (saying(507, b"{}"), TooLarge),
        (saying(421, b"not JSON"), LeaderMoved),
        (saying(503, b"s3cret"), PeerFailed),
        (sending(b"SSH-2.0-OpenSSH\r\n"), NobodyThere),
        (sending(), NobodyThere),
        (endless, TooLarge),
    ],
)
def test_whatever_answers_is_a_failure_of_its_kind(answer: Any, kind: type[Exception]) -> None:
    with RawServer(answer) as server, pytest.raises(TransportFailed) as failed:
        called(Address(server.url), Security("s3cret"))
    assert type(failed.value) is kind
    assert "s3cret" not in str(failed.value)


def test_what_a_daemon_says_of_its_leader_is_understood() -> None:
    body = b'{"type": "about:blank", "status": 421, "leader": "https://b.example:8092"}'
    with RawServer(saying(421, body)) as server, pytest.raises(LeaderMoved) as failed:
        called(Address(server.url))
    assert failed.value.address == "https://b.example:8092"


def test_who_says_nothing_at_all_is_too_late() -> None:
    with RawServer(silent) as server, pytest.raises(TransportFailed, match=r"within 0\.2 s"):
        called(Address(server.url), within=MINUTE // 300)


@pytest.mark.parametrize(
    ("place", "security"),
    [
        ("http://0.0.0.0:0", Security()),
        ("http://0.0.0.0:0", Security("s3cret")),
        ("https://127.0.0.1:0", Security()),
        ("https://127.0.0.1:0", Security(certificate="/no/such/file")),
        ("http://user:s3cret@127.0.0.1:0", Security()),
        ("http://127.0.0.1:0?token=s3cret", Security()),
        ("http://127.0.0.1", Security()),
        ("http://127.0.0.1:99999", Security()),
    ],
)
def test_a_place_that_strangers_could_use_is_refused(place: str, security: Security) -> None:
    with pytest.raises(SettingsError) as refused:
        asyncio.run(HttpFactory().build(security).serve(Address(place), echo))
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("credential", ["", "s3cret ", "s3cret\r\nx: y", "s3cr\u00e9t"])
def test_a_credential_that_no_header_can_carry_is_refused(credential: str) -> None:
    with pytest.raises(SettingsError) as refused:
        HttpFactory().build(Security(credential))
    assert "s3cr" not in str(refused.value)


def test_a_credential_goes_to_no_far_place_readable() -> None:
    far = Address("http://leader.example:8092")
    with pytest.raises(SettingsError, match="readable"):
        HttpFactory().build(Security("s3cret")).connect(far)
    HttpFactory().build(Security("s3cret", insecure=True)).connect(far)
    HttpFactory().build(Security()).connect(far)


def test_others_are_let_in_if_that_is_allowed() -> None:
    def visit(at: Address) -> bytes:
        return called(Address(at.text.replace("0.0.0.0", "127.0.0.1")))

    assert served(Security(insecure=True), Address("http://0.0.0.0:0"), visit) == b"ping 1"


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate of 127.0.0.1 that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("proof")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "leader")])
    now = dt.datetime.now(dt.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    built = built.public_key(key.public_key()).serial_number(x509.random_serial_number())
    built = built.not_valid_before(now - dt.timedelta(hours=1))
    built = built.not_valid_after(now + dt.timedelta(days=1))
    built = built.add_extension(here, critical=False)
    built = built.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    signed = built.sign(key, hashes.SHA256())
    return _written(folder, signed, key)


def _written(folder: Path, signed: x509.Certificate, key: Any) -> tuple[str, str]:
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "leader.crt").write_bytes(signed.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    (folder / "leader.key").write_bytes(private)
    return str(folder / "leader.crt"), str(folder / "leader.key")


def test_with_tls_the_leader_proves_who_it_is(proof: tuple[str, str]) -> None:
    own = Security("s3cret", *proof)
    follower = Security("s3cret", authority=proof[0])
    place = Address("https://127.0.0.1:0")

    assert served(own, place, lambda at: called(at, follower)) == b"ping 1"
    with pytest.raises(NobodyThere):
        served(own, place, lambda at: called(at, Security("s3cret")))


def test_an_authority_that_cannot_be_read_is_named() -> None:
    with pytest.raises(SettingsError, match="/no/such/file"):
        called(Address("https://127.0.0.1:1"), Security(authority="/no/such/file"))
