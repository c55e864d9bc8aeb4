"""Calls of provider plugins to their providers: bounded, and with the credential kept at home."""

from ratelord_core.outbound.address import read_address
from ratelord_core.outbound.client import MAX_BODY, Answer, Client
from ratelord_core.outbound.connection import Connection
from ratelord_core.outbound.failing import failure_of, without
from ratelord_core.outbound.skew import ahead_by, on_our_clock

__all__ = [
    "MAX_BODY",
    "Answer",
    "Client",
    "Connection",
    "ahead_by",
    "failure_of",
    "on_our_clock",
    "read_address",
    "without",
]
