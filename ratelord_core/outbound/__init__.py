"""Calls of provider plugins to their providers: bounded, and with the credential kept at home."""

from ratelord_core.outbound.address import read_address
from ratelord_core.outbound.client import MAX_BODY, Answer, Client
from ratelord_core.outbound.failing import failure_of, without

__all__ = ["MAX_BODY", "Answer", "Client", "failure_of", "read_address", "without"]
