"""Identities and their tokens, through the engine."""

import pytest

from ratelord_core.engine.registrar import Registrar
from ratelord_core.errors import Conflict, InvalidRequest, NotFound
from ratelord_core.events.payloads import IdentityRegistered, IntentDecided, IntentSubmitted
from ratelord_core.model.identity import Identity
from ratelord_core.testing.table import Table
from ratelord_core.tokens import fingerprint

HOUSE = """
pools: [{id: local/jobs, limit: 10, window: {kind: fixed, every: 60s}}]
identities: [{id: pat:known, kind: user, owner: team-a, allowed_agents: [a], labels: {env: dev}}]
"""
GIVEN = "a-token-of-twenty-characters-or-more"


def registrar(table: Table) -> Registrar:
    return table.engine.registrar


def register(table: Table, name: str = "pat:x", token: str | None = None) -> str:
    done = registrar(table).register(Identity(name), token, table.now, "test")
    table.pass_time(0)
    return done.token or token or ""


def change(table: Table, name: str, what: str) -> None:
    registrar(table).change(name, what, "", table.now, "test")


def test_a_token_is_made_once_and_only_its_salted_hash_is_kept() -> None:
    table = Table(HOUSE)
    token = register(table)
    (event,) = table.events(IdentityRegistered)
    assert event.identity.token_hash is not None
    assert token not in repr([record.body for record in table.records()])
    other = Table(HOUSE, seed=7)
    register(other, token=token)
    (again,) = other.events(IdentityRegistered)
    assert again.identity.token_hash != event.identity.token_hash


def test_a_token_is_its_owners_and_a_fingerprint_is_nobodys() -> None:
    table = Table(HOUSE)
    token = register(table)
    owner = registrar(table).owner_of(token, table.now)
    assert owner is not None
    assert owner.identity_id == "pat:x"
    for guess in (fingerprint(token), token[:-1], token + "x", ""):
        assert registrar(table).owner_of(guess, table.now) is None


def test_rotation_kills_the_old_token() -> None:
    table = Table(HOUSE)
    old = register(table)
    new = registrar(table).rotate("pat:x", None, None, table.now, "test").token
    assert new is not None
    assert registrar(table).owner_of(old, table.now) is None
    assert registrar(table).owner_of(new, table.now) is not None


@pytest.mark.parametrize("what", ["revoke", "quarantine"])
def test_the_token_of_who_may_do_nothing_is_nobodys(what: str) -> None:
    table = Table(HOUSE)
    token = register(table)
    change(table, "pat:x", what)
    assert registrar(table).owner_of(token, table.now) is None


def test_a_restored_identity_gets_its_token_back_and_a_revoked_one_nothing() -> None:
    table = Table(HOUSE)
    token = register(table)
    change(table, "pat:x", "quarantine")
    change(table, "pat:x", "restore")
    assert registrar(table).owner_of(token, table.now) is not None
    change(table, "pat:x", "revoke")
    with pytest.raises(Conflict):
        change(table, "pat:x", "restore")
    with pytest.raises(Conflict):
        registrar(table).rotate("pat:x", None, None, table.now, "test")
    with pytest.raises(Conflict, match="use another name"):
        register(table)


def test_the_same_token_is_not_given_to_two() -> None:
    table = Table(HOUSE)
    register(table, token=GIVEN)
    with pytest.raises(Conflict) as refused:
        register(table, "pat:y", GIVEN)
    assert refused.value.code == "token_in_use"
    assert GIVEN not in str(refused.value)


def test_a_short_token_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        register(Table(HOUSE), token="short")
    assert refused.value.code == "weak_token"


def test_a_configured_identity_can_be_registered_and_keeps_what_the_configuration_said() -> None:
    table = Table(HOUSE)
    register(table, "pat:known")
    known = table.engine.state.identities.get("pat:known")
    assert known is not None
    assert (known.kind, known.owner, known.allowed_agents) == ("user", "team-a", ("a",))
    with pytest.raises(Conflict):
        register(table, "pat:known")


def test_a_registered_identity_that_is_configured_later_keeps_state_and_token() -> None:
    table = Table("")
    token = register(table, "pat:known")
    change(table, "pat:known", "quarantine")
    table.configure(HOUSE)
    known = table.engine.state.identities.get("pat:known")
    assert known is not None
    assert (known.status, known.owner) == ("quarantined", "team-a")
    change(table, "pat:known", "restore")
    assert registrar(table).owner_of(token, table.now) is not None


def test_unknown_names_providers_and_changes_are_refused() -> None:
    table = Table(HOUSE)
    with pytest.raises(NotFound):
        change(table, "pat:nobody", "revoke")
    with pytest.raises(InvalidRequest, match="revoke, quarantine, restore"):
        change(table, "pat:known", "promote")
    with pytest.raises(InvalidRequest, match="not configured"):
        registrar(table).register(Identity("pat:z", provider_id="nowhere"), None, table.now, "test")


@pytest.mark.parametrize(
    ("what", "code"), [("revoke", "identity_revoked"), ("quarantine", "identity_quarantined")]
)
def test_an_identity_that_may_do_nothing_is_denied_and_the_denial_is_logged(
    what: str, code: str
) -> None:
    table = Table(HOUSE)
    change(table, "pat:known", what)
    denied = table.ask(identity_id="pat:known")
    assert denied.reason_code == code
    assert denied.holds == ()
    assert table.figures("local/jobs").held == 0
    assert len(table.events(IntentSubmitted)) == len(table.events(IntentDecided)) == 1


def test_only_allowed_agents_may_use_an_identity() -> None:
    table = Table(HOUSE)
    assert table.ask(identity_id="pat:known", agent_id="a").allowed
    denied = table.ask(identity_id="pat:known", agent_id="b")
    assert (denied.reason_code, denied.decided_by) == ("policy", None)
    assert denied.reason == "agent b may not use identity pat:known"


def test_an_unknown_identity_is_allowed_unless_identities_are_strict() -> None:
    assert Table(HOUSE).ask(identity_id="pat:stranger").allowed
    strict = Table(HOUSE + "settings: {strict_identities: true}")
    assert strict.ask(identity_id="pat:stranger").reason_code == "identity_unknown"
    assert strict.ask(identity_id="pat:known").allowed


def test_identities_survive_a_replay() -> None:
    table = Table(HOUSE)
    token = register(table)
    registrar(table).rotate("pat:x", None, "env:OTHER", table.now, "test")
    change(table, "pat:known", "revoke")
    table.pass_time(1)
    now = table.now
    assert table.replayed().picture(now) == table.engine.state.picture(now)
    assert token
