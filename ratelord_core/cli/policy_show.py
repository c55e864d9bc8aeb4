"""``ratelord policy show``: the policy in force, or what of it binds somebody."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from ratelord_core.cli import words
from ratelord_core.cli.door import open_client
from ratelord_core.cli.options import Json
from ratelord_core.cli.outcome import DONE, CommandFailed
from ratelord_core.cli.screen import print_json, print_table, say

_NAMES = ("agent", "identity", "workload", "scope")
_KINDS = ("identity", "rule", "pool")
"""In the order in which they decide: who may not ask at all, then rules, then room."""


def show(
    *,
    effective: Annotated[bool, Parameter(negative=())] = False,
    whom: Annotated[str, Parameter(name="--for")] = "",
    json: Json = False,
) -> int:
    """Show the policy in force, normalised; or what of it binds somebody, in order of precedence.

    Parameters
    ----------
    effective
        Only what binds, in the order in which it is looked at.
    whom
        Whom: agent=ID,identity=ID,workload=ID,scope=ID, any of them.
    """
    if effective or whom:
        return _show_effective(_read(whom), as_json=json)
    with open_client() as client:
        found = client.policy()
    if json:
        print_json(found)
        return DONE
    import yaml

    say(f"# version {words.plain(found.get('version', ''))}, from {words.plain(found['source'])}")
    text = yaml.safe_dump(found.get("document") or {}, sort_keys=False, allow_unicode=True)
    print(text.rstrip("\n"))
    return DONE


def _read(whom: str) -> dict[str, str]:
    """``agent=a,scope=repo:x/y`` as the API names it."""
    named = {}
    for part in filter(None, (one.strip() for one in whom.split(","))):
        name, sign, value = part.partition("=")
        if name not in _NAMES or not sign or not value:
            raise CommandFailed(f"--for {part!r}: write {', '.join(f'{n}=ID' for n in _NAMES)}")
        named[f"{name}_id"] = value
    return named


def _show_effective(who: dict[str, str], *, as_json: bool) -> int:
    with open_client() as client:
        found = client.constraints(**who)
        version = client.policy().get("version", "")
    ordered = sorted(found, key=lambda one: _KINDS.index(one["kind"]))
    if as_json:
        print_json({"version": version, "for": who, "binds": ordered})
        return DONE
    asker = ", ".join(f"{name.removesuffix('_id')} {value}" for name, value in who.items())
    say(f"What binds {words.plain(asker) or 'everybody'}, first to last (version {version}):")
    print_table(("", "kind", "name", "what it says"), [_row(*one) for one in enumerate(ordered, 1)])
    return DONE


def _row(place: int, one: dict[str, Any]) -> list[str]:
    return [str(place), one["kind"], words.plain(one["id"]), words.plain(one["text"])]
