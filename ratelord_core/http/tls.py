"""TLS: which certificate the daemon shows, and whose certificates it believes."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from ratelord_core.errors import SettingsError

NAME_PREFIX: Final = "urn:ratelord:identity:"
"""How a certificate's subjectAltName (URI) names an identity; without one, the common name does."""

ClientCertificates = Literal["optional", "required"]


class TlsFiles(msgspec.Struct, frozen=True):
    """PEM files. With ``client_ca``, clients may (or must) show a certificate that it signed."""

    cert: Path
    key: Path
    client_ca: Path | None = None
    clients: ClientCertificates = "optional"


def make_context(files: TlsFiles) -> ssl.SSLContext:
    """TLS 1.2 or newer, with Python's choice of ciphers. Raises ``SettingsError`` in one line."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    _load(context, files)
    return context


def load_again(context: ssl.SSLContext, files: TlsFiles) -> None:
    """Show the certificate that is in the files now to whoever connects from now on.

    Files that do not fit together are refused with the context as it was. Authorities for clients'
    certificates are added; one that is to be believed no more needs a restart.
    """
    make_context(files)
    _load(context, files)


def certified_name(certificate: Mapping[str, Any]) -> str:
    """The identity that a verified certificate names; empty if none."""
    for kind, value in certificate.get("subjectAltName", ()):
        if kind == "URI" and value.startswith(NAME_PREFIX):
            return str(value.removeprefix(NAME_PREFIX))
    for part in certificate.get("subject", ()):
        for kind, value in part:
            if kind == "commonName":
                return str(value)
    return ""


def _load(context: ssl.SSLContext, files: TlsFiles) -> None:
    try:
        context.load_cert_chain(files.cert, files.key, password=_no_password)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"certificate {files.cert} with key {files.key}: {error}; check both files"
        ) from error
    if files.client_ca is None:
        return
    required = files.clients == "required"
    context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    try:
        context.load_verify_locations(files.client_ca)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"authority of clients {files.client_ca}: {error}; it holds PEM certificates"
        ) from error


def _no_password() -> str:
    """Asked for by keys that are encrypted: a daemon has nobody to ask."""
    raise ValueError("the key is encrypted, and nobody is there to type its password")
