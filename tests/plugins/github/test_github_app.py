"""A GitHub App polls as its installation: a signed assertion, exchanged for a token in time."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ratelord_core.clock import SteppedClock
from ratelord_core.errors import ProviderFailed, SettingsError
from ratelord_core.model.instant import HOUR, MINUTE, SECOND, to_text


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def pem(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, *form).decode()


@pytest.fixture
def granting(github: Any, key: rsa.RSAPrivateKey) -> list[str]:
    """A GitHub that exchanges assertions of this App; what it granted."""
    granted: list[str] = []
    document = github.document

    def reply(asked: Any) -> Any:
        if not asked.path.endswith("/access_tokens"):
            return document(asked)
        told = asked.headers["authorization"].removeprefix("Bearer ")
        options = {"verify_iat": False, "verify_exp": False}
        claims = jwt.decode(told, key.public_key(), algorithms=["RS256"], options=options)
        assert claims["iss"] == "12345"
        assert claims["exp"] - claims["iat"] <= 600
        granted.append(f"ghs_{len(granted)}")
        body = {"token": granted[-1], "expires_at": to_text(github.now() + HOUR)}
        return github.said(201, body=json.dumps(body).encode())

    github.reply = reply
    return granted


APP = {"app_id": 12345, "installation_id": "678"}


def test_the_key_is_exchanged_once_and_again_before_the_token_ends(
    github, connect, granting, pem
) -> None:
    clock = SteppedClock()
    github.now = clock.now
    github.reset = (clock.now() + 2 * HOUR) // SECOND
    account = connect(token=pem, clock=clock, **APP)
    account.polls(lambda: clock.advance(50 * MINUTE), lambda: clock.advance(6 * MINUTE))
    assert granting == ["ghs_0", "ghs_1"]
    asked = [one for one in github.asked if one.path.endswith("/rate_limit")]
    assert [one.headers["authorization"] for one in asked] == [
        "Bearer ghs_0",
        "Bearer ghs_0",
        "Bearer ghs_1",
    ]
    assert github.asked[0].path == "/api/v3/app/installations/678/access_tokens"
    assert not any("PRIVATE" in str(one) for one in github.asked)


def test_a_key_that_is_none_is_the_settings_fault(connect, granting) -> None:
    with pytest.raises(ProviderFailed) as caught:
        connect(token="no key", **APP).poll()
    assert caught.value.kind == "settings"
    assert granting == []


def test_an_app_that_github_does_not_know_is_unauthorized(github, connect, pem) -> None:
    github.answer(401, "A JSON web token could not be decoded")
    with pytest.raises(ProviderFailed) as caught:
        connect(token=pem, **APP).poll()
    assert caught.value.kind == "unauthorized"


@pytest.mark.parametrize(
    ("options", "said"), [({"app_id": 1}, "or neither"), ({"app_id": "a/b"}, "client id")]
)
def test_an_app_is_named_whole(connect, options, said) -> None:
    with pytest.raises(SettingsError, match=said):
        connect(**options)
