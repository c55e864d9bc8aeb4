"""``ratelord policy``: the rules, checked before they count."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cyclopts import App

from ratelord_core.cli import words
from ratelord_core.cli.door import open_client
from ratelord_core.cli.options import ADMINISTER, Json
from ratelord_core.cli.outcome import DONE, FAILED
from ratelord_core.cli.screen import print_json, say


def register(app: App) -> None:
    """Add the verb."""
    from ratelord_core.cli.policy_backtesting import backtest
    from ratelord_core.cli.policy_testing import run_cases
    from ratelord_core.cli.verbs.reload import reload

    verb = App(
        name="policy",
        help="Check a policy file, try it on cases or on the past; show or reload the policy.",
        group=ADMINISTER,
    )
    verb.command(check)
    verb.command(show)
    verb.command(reload)
    verb.command(run_cases, name="test")
    verb.command(backtest)
    app.command(verb)


def check(file: Path | None = None, /, *, json: Json = False) -> int:
    """Say whether a policy file could come into force, with file:line:column if not.

    Needs no daemon. Exit code 1 if the file is not valid.

    Parameters
    ----------
    file
        The file; else the one that the daemon would read.
    """
    from ratelord_core.cli.policy_file import default_path, read_policy
    from ratelord_core.errors import PolicyError

    path = file or default_path()
    try:
        document = read_policy(path)
    except PolicyError as error:
        if json:
            print_json({"valid": False, "version": None, "errors": _findings(error)})
        else:
            say(str(error), "red")
        return FAILED
    if json:
        print_json({"valid": True, "version": document.version, "errors": []})
    else:
        rules = sum(len(policy.rules) for policy in document.policies)
        counted = ", ".join(
            words.count(number, noun)
            for number, noun in (
                (len(document.providers), "provider"),
                (len(document.pools), "pool"),
                (rules, "rule"),
            )
        )
        say(f"{path} is valid: {counted}; version {document.version[:12]}.", "green")
    return DONE


def show(*, json: Json = False) -> int:
    """Show the policy in force, normalised."""
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


def _findings(error: Any) -> list[dict[str, Any]]:
    import msgspec

    return [msgspec.to_builtins(finding) for finding in error.findings]
