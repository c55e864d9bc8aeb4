"""Bearer tokens: made from 256 random bits, shown once, kept only as salted hashes."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from hmac import compare_digest

from ratelord_core.model.ids import Entropy

_PREFIX = "rl_"
SHORTEST = 20
"""Characters that a token given from outside must have at least."""


def make_token(entropy: Entropy) -> str:
    """A fresh token."""
    return _PREFIX + urlsafe_b64encode(entropy.random_bytes(32)).rstrip(b"=").decode()


def hash_token(token: str, entropy: Entropy) -> str:
    """``salt$hash``, both hexadecimal; SHA-256, because tokens are random, not remembered."""
    salt = entropy.random_bytes(16)
    return f"{salt.hex()}${sha256(salt + token.encode()).hexdigest()}"


def fingerprint(token: str) -> str:
    """32 bits that find a token's owner; they do not suffice to check a guess."""
    return sha256(b"ratelord fingerprint\0" + token.encode()).hexdigest()[:8]


def matches(token: str, token_hash: str) -> bool:
    """Whether this is the token that was hashed, in constant time."""
    salt, _, expected = token_hash.partition("$")
    found = sha256(bytes.fromhex(salt) + token.encode()).hexdigest()
    return compare_digest(found, expected)
