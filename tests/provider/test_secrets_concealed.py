"""Credentials that were fetched are blotted out wherever somebody else would write them."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import anyio
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ratelord_core.clock import SteppedClock
from ratelord_core.daemon.logs import silence
from ratelord_core.errors import ProviderFailed, SettingsError
from ratelord_core.model.observation import Observation
from ratelord_core.provider import PollRequest, PollResult
from ratelord_core.secrets import Secrets, resolve
from ratelord_core.testing.scripted_provider import ScriptedProvider
from ratelord_core.watch import Account

SECRET = "hush-hush-0123456789"
CLOCK = SteppedClock()


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Secrets:
    monkeypatch.setenv("TOKEN", SECRET)
    known = Secrets()
    assert known.resolver("env:TOKEN")() == SECRET
    return known


def test_what_was_fetched_is_blotted_out(secrets) -> None:
    assert secrets.conceal(f"a {SECRET} b {SECRET!r}") == "a *** b '***'"
    assert Secrets().conceal(SECRET) == SECRET, "nobody knows it yet"


def test_what_could_be_any_word_is_not(monkeypatch) -> None:
    monkeypatch.setenv("TOKEN", "key")
    known = Secrets()
    known.resolver("env:TOKEN")()
    assert known.conceal("the key of the pool") == "the key of the pool"


def pem() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, *form).decode()


def test_a_private_key_may_have_lines_and_is_concealed_however_it_is_written(tmp_path) -> None:
    file = tmp_path / "app.pem"
    file.write_text(pem(), encoding="utf-8")
    known = Secrets()
    key = known.resolver(f"file:{file}")()
    assert key is not None
    assert key == file.read_text(encoding="utf-8").strip()
    assert known.conceal(f"{key} {key!r}") == "*** '***'"


def test_nothing_else_may(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("one\ntwo", encoding="utf-8")
    with pytest.raises(SettingsError, match="only the token"):
        resolve(f"file:{file}")


def test_no_line_of_the_log_shows_it(secrets) -> None:
    root, written = logging.getLogger(), io.StringIO()
    before = root.handlers[:]
    root.handlers[:] = [logging.StreamHandler(written)]
    try:
        silence(secrets.conceal)
        logging.getLogger("acme").warning("asked with %s", SECRET)
        error = RuntimeError(SECRET)
        logging.getLogger("acme").error("it failed", exc_info=error)
    finally:
        root.handlers[:] = before
    assert SECRET not in written.getvalue()
    assert "asked with ***" in written.getvalue()


async def _fails(provider: ScriptedProvider) -> PollResult:
    raise ProviderFailed("unauthorized", f"{SECRET} was refused")


async def _remembers(provider: ScriptedProvider) -> PollResult:
    return PollResult(CLOCK.now(), state=f"token={SECRET}")


async def _names(provider: ScriptedProvider) -> PollResult:
    return PollResult(CLOCK.now(), (Observation("p", f"of-{SECRET}", CLOCK.now(), limit=1),))


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (_fails, "unauthorized: *** was refused"),
        (_remembers, "plugin: the answer holds the credential"),
        (_names, "plugin: the answer holds the credential"),
    ],
)
def test_no_poll_takes_it_into_the_log(secrets, act, said) -> None:
    provider = ScriptedProvider("p", CLOCK, act)
    account = Account(provider, plugin="acme", version="1", conceal=secrets.conceal)
    with pytest.raises(ProviderFailed) as caught:
        anyio.run(account.poll, PollRequest())
    assert str(caught.value).startswith(said)
    assert caught.value.__cause__ is None
