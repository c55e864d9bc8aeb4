"""``ratelord identity``: whose credentials may be charged."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from ratelord_core.cli import known_ids, words
from ratelord_core.cli.door import open_client
from ratelord_core.cli.options import ADMINISTER, Json
from ratelord_core.cli.outcome import DONE, USAGE, CommandFailed
from ratelord_core.cli.screen import print_json, print_table, say
from ratelord_core.model.caller import MAY_OVERRIDE

if TYPE_CHECKING:
    from ratelord import Registration

GIVEN_TOKEN = "RATELORD_NEW_TOKEN"  # noqa: S105 - the name of a variable, not a token

Identity = Annotated[str, Parameter(completer=known_ids.identities, help="The identity.")]
Reason = Annotated[str | None, Parameter(help="Why; it is logged.")]


def register(app: App) -> None:
    """Add the verb."""
    verb = App(
        name="identity",
        help="Add, list, rotate, revoke, quarantine or restore identities.",
        group=ADMINISTER,
    )
    verb.command(add)
    verb.command(list_, name="list")
    verb.command(rotate)
    verb.command(revoke)
    verb.command(quarantine)
    verb.command(restore)
    app.command(verb)


def add(
    name: str,
    kind: str = "service",
    /,
    *,
    provider: str | None = None,
    secret_ref: str | None = None,
    owner: str | None = None,
    role: Literal["agent", "viewer", "admin"] = "agent",
    label: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    may_override: Annotated[bool, Parameter(negative=())] = False,
    json: Json = False,
) -> int:
    """Register an identity; its token is generated and shown once.

    A token of your own goes in the variable RATELORD_NEW_TOKEN, never on the command line.

    Parameters
    ----------
    name
        The identity's id, by convention type:value.
    kind
        user, service, bot, …
    provider
        The provider whose limits it draws from.
    secret_ref
        Where the provider's credential lies: env:NAME, file:PATH or keyring:SERVICE/NAME.
    owner
        Whose it is.
    role
        What its token may do: agent (ask as itself), viewer (read) or admin.
    label
        KEY=VALUE; may be repeated.
    may_override
        Believe it when it says that a human allowed what an overridable rule denies; for a gateway.
    """
    with open_client() as client:
        done = client.register_identity(
            name,
            kind,
            provider_id=provider,
            secret_ref=secret_ref,
            owner=owner,
            role=role,
            labels=_labels(label) or None,
            metadata={MAY_OVERRIDE: "yes"} if may_override else None,
            token=os.environ.get(GIVEN_TOKEN) or None,
        )
    return _show_status(done, json=json)


def list_(*, json: Json = False) -> int:
    """List every identity; never a token."""
    with open_client() as client:
        found = client.identities()
    if json:
        print_json(found)
    elif not found:
        say("No identities yet. Add one: ratelord identity add NAME")
    else:
        columns = ("identity", "kind", "status", "role", "provider", "owner", "last active")
        names = ("identity_id", "kind", "status", "role", "provider_id", "owner")
        print_table(
            columns,
            [
                [
                    *(words.plain(row.get(name) or words.DASH) for name in names),
                    words.since(row.get("last_active_at")),
                ]
                for row in found
            ],
        )
    return DONE


def rotate(
    name: Identity,
    /,
    *,
    secret_ref: str | None = None,
    overlap: str = "0s",
    json: Json = False,
) -> int:
    """Give an identity a new token; the old one stops working, at once or after an overlap.

    Parameters
    ----------
    secret_ref
        Where the provider's new credential lies.
    overlap
        How long the old token goes on working, such as 10m.
    """
    from ratelord_core.model.instant import to_seconds
    from ratelord_core.model.span import parse_span

    seconds = to_seconds(parse_span(overlap))
    token = os.environ.get(GIVEN_TOKEN) or None
    with open_client() as client:
        done = client.rotate_identity(
            name, token=token, secret_ref=secret_ref, overlap_seconds=seconds or None
        )
    return _show(done, f"Identity {done.identity_id} has a new token.", json=json)


def revoke(name: Identity, /, *, reason: Reason = None, json: Json = False) -> int:
    """Let an identity do nothing any more."""
    with open_client() as client:
        return _show_status(client.revoke_identity(name, reason=reason), json=json)


def quarantine(name: Identity, /, *, reason: Reason = None, json: Json = False) -> int:
    """Let an identity do nothing until it is restored."""
    with open_client() as client:
        return _show_status(client.quarantine_identity(name, reason=reason), json=json)


def restore(name: Identity, /, *, reason: Reason = None, json: Json = False) -> int:
    """End a quarantine."""
    with open_client() as client:
        return _show_status(client.restore_identity(name, reason=reason), json=json)


def _show_status(done: Registration, *, json: bool) -> int:
    return _show(done, f"Identity {done.identity_id} is {done.status}.", json=json)


def _show(done: Registration, sentence: str, *, json: bool) -> int:
    import msgspec

    if json:
        print_json(msgspec.to_builtins(done))
        return DONE
    say(sentence)
    if done.token:
        say(f"Its token, shown this once: {done.token}")
    return DONE


def _labels(texts: tuple[str, ...]) -> dict[str, str]:
    labels = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise CommandFailed(f"--label {text!r} is no label; write it as KEY=VALUE", USAGE)
        labels[name] = value
    return labels
