"""The settings that both HTTP clients are made with."""

from __future__ import annotations

import ssl
from typing import Any

from ratelord.connection import Connection

VERSION = "0.1.0"


def headers(connection: Connection) -> dict[str, str]:
    """What every request carries."""
    fixed = {"user-agent": f"ratelord-python/{VERSION}", "accept": "application/json"}
    if connection.token:
        fixed["authorization"] = f"Bearer {connection.token}"
    return fixed


def client_settings(connection: Connection) -> dict[str, Any]:
    """Arguments of both HTTP clients: no redirects, and no proxy before a local daemon."""
    return {
        "base_url": "http://localhost" if connection.socket else connection.url,
        "headers": headers(connection),
        "follow_redirects": False,
        "trust_env": not connection.local,
        "verify": _verification(connection),
    }


def _verification(connection: Connection) -> ssl.SSLContext | bool:
    # Reading the trust store takes longer than a decision; plain HTTP gets an empty one instead.
    if connection.socket or connection.url.startswith("http://"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return True
