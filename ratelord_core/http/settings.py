"""What the HTTP door may be told."""

from __future__ import annotations

from typing import Literal

import msgspec

from ratelord_core.model.ids import Entropy

AuthMode = Literal["local", "required"]


class HttpSettings(msgspec.Struct, frozen=True):
    """How the door behaves. Spans are seconds, sizes bytes.

    ``auth`` rules the TCP listener: ``local`` takes a missing token for the local operator,
    ``required`` refuses it. ``socket_auth`` rules the Unix socket, which file permissions guard.
    ``allowed_hosts`` are names beside the loopback ones, ``bound_host`` where the daemon listens;
    ``cors_origins`` are the web pages that may read replies. ``max_in_flight`` questions are
    answered at once; ``max_streams`` are open at once, ``max_streams_each`` of one party.
    """

    entropy: Entropy
    auth: AuthMode = "local"
    socket_auth: AuthMode = "local"
    bound_host: str = "127.0.0.1"
    allowed_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    debug: bool = False
    body_limit: int = 64 * 1024
    batch_limit: int = 4 * 1024 * 1024
    policy_limit: int = 4 * 1024 * 1024
    batch_size: int = 1000
    heartbeat: float = 15.0
    slow_reader: float = 30.0
    max_streams: int = 256
    max_streams_each: int = 64
    max_in_flight: int = 2048
