"""Registers the transport ``http``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ratelord_core import hookimpl

if TYPE_CHECKING:
    from ratelord_core.transport import Security, Transport, TransportFactory


class HttpFactory:
    """Builds transports over HTTP/1.1, with TLS or without."""

    name = "http"
    schemes: tuple[str, ...] = ("http", "https")

    def build(self, security: Security) -> Transport:
        """A transport. Its client and server are imported when they are needed."""
        from ratelord_federation.transport import HttpTransport  # noqa: PLC0415 - a listing loads neither

        return HttpTransport(security)


@hookimpl
def ratelord_register_transports() -> list[TransportFactory]:
    """One factory."""
    return [HttpFactory()]
