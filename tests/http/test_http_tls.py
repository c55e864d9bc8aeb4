"""TLS over real sockets, with an authority made here: versions, certificates, who shows one."""

from __future__ import annotations

import inspect
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ratelord_core.errors import SettingsError
from ratelord_core.http.tls import TlsFiles, certified_name, load_again, make_context
from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.desk import patiently

PEM = serialization.Encoding.PEM


class CertificateAuthority:
    """Signs certificates for this test."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = folder / f"{name}.pem"
        signs = dict.fromkeys(inspect.signature(x509.KeyUsage).parameters, False)
        certificate = (
            self._builder(self.name, self.key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.KeyUsage(**signs | {"key_cert_sign": True}), critical=True)
        )
        self.file.write_bytes(certificate.sign(self.key, hashes.SHA256()).public_bytes(PEM))

    def issue(
        self, name: str, *alternatives: x509.GeneralName, file: str = ""
    ) -> tuple[Path, Path]:
        """Certificate and key files for a name."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        built = self._builder(subject, key.public_key())
        if alternatives:
            built = built.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        signed = built.sign(self.key, hashes.SHA256())
        cert, secret = self.folder / f"{file or name}.crt", self.folder / f"{file or name}.key"
        cert.write_bytes(signed.public_bytes(PEM))
        secret.write_bytes(
            key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        return cert, secret

    def _builder(self, subject: x509.Name, public: Any) -> x509.CertificateBuilder:
        now, issuer = datetime.now(UTC), self.key.public_key()
        return (  # with both keys' names: from Python 3.13 on, clients insist on them
            x509.CertificateBuilder()
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False
            )
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
        )


LOCALHOST = (x509.DNSName("localhost"),)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("authority"), "authority-of-this-test")


@pytest.fixture(scope="module")
def secured(
    tmp_path_factory: pytest.TempPathFactory, authority: CertificateAuthority
) -> Iterator[DaemonProcess]:
    """A daemon that wants tokens or certificates, and speaks TLS."""
    folder = tmp_path_factory.mktemp("secured")
    cert, key = authority.issue("localhost", *LOCALHOST, file="server")
    environment = {
        "RATELORD_AUTH": "required",
        "RATELORD_TLS_CERT": str(cert),
        "RATELORD_TLS_KEY": str(key),
        "RATELORD_TLS_CLIENT_CA": str(authority.file),
        "RATELORD_SOCKET": str(folder / "http.sock"),
    }
    with DaemonProcess(folder, environment=environment) as running:
        yield running


def operator(daemon: DaemonProcess) -> httpx2.Client:
    transport = httpx2.HTTPTransport(uds=str(daemon.folder / "http.sock"))
    return httpx2.Client(base_url="http://localhost", transport=transport, timeout=60)


def trusting(
    authority: CertificateAuthority, shown: tuple[Path, Path] | None = None
) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.file)
    if shown is not None:
        context.load_cert_chain(*shown)
    return context


def port_of(daemon: DaemonProcess) -> int:
    return int(daemon.url.rpartition(":")[2])


def get(
    daemon: DaemonProcess, path: str, context: ssl.SSLContext, **headers: str
) -> httpx2.Response:
    with httpx2.Client(verify=context, timeout=60) as client:
        return client.get(f"https://localhost:{port_of(daemon)}{path}", headers=headers)


def serial_shown(daemon: DaemonProcess, context: ssl.SSLContext) -> str:
    with (
        socket.create_connection(("localhost", port_of(daemon)), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        return str((secure.getpeercert() or {})["serialNumber"])


def test_the_daemon_says_https_and_answers_with_hsts(secured, authority):
    assert secured.url.startswith("https://")
    answer = get(secured, "/v1/health/live", trusting(authority))
    assert answer.status_code == 200
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_without_tls_there_is_no_hsts(client):
    assert "strict-transport-security" not in client.get("/v1/health/live").headers


@pytest.mark.parametrize(
    ("version", "agreed"),
    [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")],
)
def test_tls_of_this_decade_is_spoken(secured, authority, version, agreed):
    context = trusting(authority)
    context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("localhost", port_of(secured)), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        assert secure.version() == agreed
        name, _, bits = secure.cipher()
        assert bits >= 128
        assert not any(weak in name for weak in ("RC4", "3DES", "NULL", "EXPORT", "MD5", "CBC"))
        assert secure.compression() is None


def test_older_tls_is_refused(tmp_path, authority):
    cert, key = authority.issue("localhost", *LOCALHOST, file="versions")
    context = make_context(TlsFiles(cert, key))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_COMPRESSION
    assert context.options & ssl.OP_NO_RENEGOTIATION


def test_plain_http_on_the_tls_port_gets_no_answer_and_hurts_nobody(secured, authority):
    with socket.create_connection(("localhost", port_of(secured)), timeout=60) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200" not in plain.recv(100)
    assert get(secured, "/v1/health/live", trusting(authority)).status_code == 200


def test_a_certificate_of_the_authority_stands_for_the_identity_that_it_names(secured, authority):
    with operator(secured) as owner:
        made = owner.post("/v1/identities", json={"identity_id": "bot:build", "role": "viewer"})
        assert made.status_code == 200
    by_name = authority.issue("bot:build", file="by-name")
    by_uri = authority.issue(
        "whatever", x509.UniformResourceIdentifier("urn:ratelord:identity:bot:build")
    )
    for shown in (by_name, by_uri):
        context = trusting(authority, shown)
        assert get(secured, "/v1/pools", context).status_code == 200
        refused = get(secured, "/v1/intents/x", context)
        assert refused.status_code == 404
    assert get(secured, "/v1/pools", trusting(authority)).status_code == 401


def test_a_certificate_that_names_nobody_active_is_refused(secured, authority):
    with operator(secured) as owner:
        owner.post("/v1/identities", json={"identity_id": "bot:gone", "role": "admin"})
        assert owner.post("/v1/identities/bot:gone/revoke").status_code == 200
    for name in ("bot:unheard-of", "bot:gone"):
        answer = get(secured, "/v1/health/live", trusting(authority, authority.issue(name)))
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


def test_a_token_overrules_a_certificate(secured, authority):
    with operator(secured) as owner:
        token = owner.post(
            "/v1/identities", json={"identity_id": "id:root", "role": "admin"}
        ).json()["token"]
    shown = trusting(authority, authority.issue("bot:build", file="overruled"))
    bearer = {"authorization": f"Bearer {token}"}
    assert get(secured, "/v1/identities", shown, **bearer).status_code == 200
    wrong = {"authorization": "Bearer of-nobody"}
    assert get(secured, "/v1/pools", shown, **wrong).status_code == 401


def test_a_certificate_of_a_stranger_ends_the_handshake(secured, authority, tmp_path):
    stranger = CertificateAuthority(tmp_path, "stranger").issue("bot:build")
    with pytest.raises((httpx2.TransportError, ssl.SSLError)):
        get(secured, "/v1/health/live", trusting(authority, stranger))


def test_an_agent_with_a_certificate_asks_as_itself_on_the_express_lane_too(secured, authority):
    with operator(secured) as owner:
        owner.post("/v1/identities", json={"identity_id": "pat:mine", "role": "agent"})
    question = {"agent_id": "a:1", "workload_id": "scan", "scope_id": "repo:x/y"}
    context = trusting(authority, authority.issue("pat:mine"))
    with httpx2.Client(verify=context, timeout=60) as agent:
        url = f"https://localhost:{port_of(secured)}/v1/intent"
        assert agent.post(url, json=question | {"identity_id": "pat:mine"}).status_code == 200
        assert agent.post(url, json=question | {"identity_id": "pat:other"}).status_code == 403


def test_sighup_shows_the_new_certificate_and_keeps_a_good_one(secured, authority):
    context = trusting(authority)
    before = serial_shown(secured, context)
    authority.issue("localhost", *LOCALHOST, file="server")
    after = _after_hangup(secured, context, before)
    assert after != before
    (authority.folder / "server.key").write_text("no key")
    secured.reload()
    ends = time.monotonic() + 60
    while "the certificate stays as it was" not in secured.log:
        assert time.monotonic() < ends, secured.log
    assert serial_shown(secured, context) == after
    with operator(secured) as owner:
        assert patiently(lambda: _outcomes(owner) == {"done", "settings"})


def _outcomes(owner: httpx2.Client) -> set[str]:
    """How reloads of the certificate ended, as the log has it."""
    acts = owner.get("/v1/events", params={"type": "administrative_act", "limit": 5}).json()
    reloads = [act["payload"] for act in acts if act["payload"]["action"] == "certificate.reload"]
    return {act.get("outcome", "done") for act in reloads}


def _after_hangup(daemon: DaemonProcess, context: ssl.SSLContext, before: str) -> str:
    daemon.reload()
    ends = time.monotonic() + 60
    while (now := serial_shown(daemon, context)) == before:
        assert time.monotonic() < ends, daemon.log
    return now


def test_files_that_cannot_be_used_are_named_in_one_line(tmp_path, authority):
    cert, key = authority.issue("localhost", *LOCALHOST, file="good")
    other = authority.issue("other", file="other")[1]
    for files, named in (
        (TlsFiles(tmp_path / "none.crt", key), "none.crt"),
        (TlsFiles(cert, other), "other.key"),
        (TlsFiles(cert, key, tmp_path / "none.ca"), "none.ca"),
    ):
        with pytest.raises(SettingsError, match=named) as refused:
            make_context(files)
        assert "\n" not in str(refused.value)
    context = make_context(TlsFiles(cert, key))
    with pytest.raises(SettingsError):
        load_again(context, TlsFiles(cert, other))


@pytest.mark.parametrize(
    ("certificate", "name"),
    [
        ({}, ""),
        ({"subject": ((("commonName", "pat:x"),),)}, "pat:x"),
        ({"subject": ((("organizationName", "acme"),),)}, ""),
        (
            {
                "subject": ((("commonName", "pat:x"),),),
                "subjectAltName": (("DNS", "x"), ("URI", "urn:ratelord:identity:pat:y")),
            },
            "pat:y",
        ),
    ],
)
def test_a_certificate_names_an_identity_by_uri_or_by_common_name(certificate, name):
    assert certified_name(certificate) == name


def test_only_ciphers_with_forward_secrecy_and_authenticated_encryption_are_spoken(
    secured, authority
):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = trusting(authority)
        context.minimum_version = context.maximum_version = version
        with (
            socket.create_connection(("localhost", port_of(secured)), timeout=60) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            name, _, bits = secure.cipher() or ("", "", 0)
            assert secure.compression() is None
        assert bits >= 128
        assert any(mode in name for mode in ("GCM", "CHACHA20", "CCM")), name
        assert name.startswith(("TLS_", "ECDHE", "DHE")), name
    for weak in ("AES128-SHA", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA", "NULL", "aNULL"):
        context = trusting(authority)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.set_ciphers(f"{weak}:@SECLEVEL=0")
        except ssl.SSLError:
            continue  # this client does not even know it
        with (
            socket.create_connection(("localhost", port_of(secured)), timeout=60) as plain,
            pytest.raises((ssl.SSLError, ConnectionError)),
        ):
            context.wrap_socket(plain, server_hostname="localhost")


def test_no_private_key_comes_out_anywhere(secured, authority):
    secrets = [
        line
        for file in authority.folder.glob("*.key")
        for line in file.read_text().splitlines()
        if not line.startswith("-----")
    ]
    with operator(secured) as client:
        paths = ("/metrics", "/v1/events?limit=500", "/v1/policy", "/v1/identities", "/v1/health")
        shown = [client.get(path).text for path in paths]
    shown += [secured.log, *(file.read_bytes().decode("latin-1") for file in
                             secured.folder.glob("ratelord.db*"))]  # fmt: skip
    assert secrets
    assert not [line for line in secrets for text in shown if line in text]
