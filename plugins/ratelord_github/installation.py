"""Tokens of a GitHub App's installation: a signed assertion is exchanged, and renewed in time.

Source: GitHub's guide "Authenticating as a GitHub App installation".
"""

from __future__ import annotations

from typing import Final

import msgspec

from ratelord_core.errors import ProviderFailed
from ratelord_core.headers import parse_rfc3339
from ratelord_core.model.instant import MINUTE, SECOND, Micros
from ratelord_core.outbound import Connection
from ratelord_github.answers import failure_of

_RENEW_BEFORE: Final[Micros] = 5 * MINUTE
"""A token that ends this soon is renewed."""
_LIFE: Final = 540
"""Seconds that an assertion is valid; GitHub allows ten minutes."""
_SKEW: Final = 60
"""Seconds by which an assertion is dated back, for clocks that go differently."""


class _Granted(msgspec.Struct):
    token: str
    expires_at: str


class _Held(msgspec.Struct, frozen=True):
    token: str
    key: str
    until: Micros


class Installation:
    """One installation of one App. Keeps its token in memory only."""

    def __init__(self, app_id: str, installation_id: str, url: str) -> None:
        self._app_id = app_id
        self._address = f"{url}/app/installations/{installation_id}/access_tokens"
        self._held: _Held | None = None

    async def token(self, key: str, connection: Connection, headers: dict[str, str]) -> str:
        """A token that is good for some minutes at least. ``key`` is the App's private key (PEM).
        Raises ``ProviderFailed``."""
        held, now = self._held, connection.theirs()
        if held is not None and held.key == key and held.until - now > _RENEW_BEFORE:
            return held.token
        assertion = sign(self._app_id, key, now)
        told = {**headers, "authorization": f"Bearer {assertion}"}
        answer = await connection.post(self._address, told, {})
        if answer.status != 201:
            raise failure_of(answer.status, answer.headers, answer.body, connection.theirs())
        try:
            granted = msgspec.json.decode(answer.body, type=_Granted)
        except msgspec.MsgspecError:
            raise ProviderFailed("malformed", "GitHub granted no installation token") from None
        until = parse_rfc3339(granted.expires_at) or now + 10 * MINUTE
        self._held = _Held(granted.token, key, until)
        return granted.token

    def forget(self) -> None:
        """The token was refused: ask for another next time."""
        self._held = None


def sign(app_id: str, key: str, now: Micros) -> str:
    """The assertion that one is this App, for some minutes. Raises ``ProviderFailed`` of kind
    ``settings`` for a key that is none."""
    import jwt  # noqa: PLC0415 - for Apps only

    seconds = now // SECOND
    claims = {"iat": seconds - _SKEW, "exp": seconds + _LIFE, "iss": app_id}
    try:
        return jwt.encode(claims, key, algorithm="RS256")
    except (ValueError, TypeError, jwt.exceptions.PyJWTError):
        raise ProviderFailed(
            "settings", "the App's private key cannot be used; give its PEM file by secret_ref"
        ) from None
