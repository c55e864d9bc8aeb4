"""HTTP as a transport: ``POST /v1/federation/TOPIC``, as the API has it."""

from __future__ import annotations

import ssl
from ipaddress import ip_address

from ratelord_core.errors import SettingsError
from ratelord_core.transport import Address, Answer, Link, Security, Served, host_and_port
from ratelord_federation.calling import HttpLink
from ratelord_federation.serving import HttpServed

EXAMPLE = "http://127.0.0.1:8092"


class HttpTransport:
    """Messages as HTTP requests. The credential is a bearer token."""

    def __init__(self, security: Security) -> None:
        """Raises ``SettingsError`` for a credential that no header can carry."""
        shown = security.credential
        if shown is not None and not (shown and shown.isascii() and shown.isprintable()):
            raise SettingsError("the credential is not plain ASCII; take letters and digits")
        if shown is not None and " " in shown:
            raise SettingsError("the credential has a space in it; take letters and digits")
        self._security = security

    def connect(self, address: Address) -> Link:
        """A link. Refuses to send a credential where others could read it."""
        host, _port = _place(address)
        readable = address.scheme == "http" and not _on_this_machine(host)
        if readable and self._security.credential is not None and not self._security.insecure:
            raise SettingsError(
                f"over {address} the credential would travel readable; use https, or allow it "
                "with --insecure"
            )
        trusted = None if address.scheme == "http" else self._trusted()
        return HttpLink(address, self._security.credential, trusted, near=_on_this_machine(host))

    async def serve(self, address: Address, answer: Answer) -> Served:
        """A place. Refuses to let strangers in without being told to."""
        host, port = _place(address)
        proof = self._proof() if address.scheme == "https" else None
        closed = proof is not None and self._security.credential is not None
        if not (_on_this_machine(host) or closed or self._security.insecure):
            raise SettingsError(
                f"others could reach {address}; use https with a certificate and a credential, "
                "or allow it with --insecure"
            )
        served = HttpServed(answer, self._security.credential, proof)
        await served.open(host, port)
        return served

    def _trusted(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._security.authority or None)
        except OSError as error:
            raise _unusable("authority", self._security.authority, error) from None

    def _proof(self) -> ssl.SSLContext:
        if not self._security.certificate:
            raise SettingsError("https needs a certificate and its key; give both, or use http")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(self._security.certificate, self._security.key or None)
        except OSError as error:
            raise _unusable("certificate or key", self._security.certificate, error) from None
        return context


def _place(address: Address) -> tuple[str, int]:
    if address.scheme not in {"http", "https"}:
        raise SettingsError(f"the address {address} is none of HTTP; give {EXAMPLE}")
    if address.may_tell:
        raise SettingsError(
            f"the address {address} comes with a credential, a query or a fragment; the credential "
            f"belongs beside it: give {EXAMPLE}"
        )
    return host_and_port(address, EXAMPLE)


def _on_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _unusable(what: str, path: str, error: OSError) -> SettingsError:
    reason = error.strerror or type(error).__name__
    return SettingsError(f"the {what} {path!r} cannot be used ({reason}); give a file in PEM")
