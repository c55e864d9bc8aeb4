"""``ratelord policy``: the rules, checked before they count."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from ratelord_core.cli import words
from ratelord_core.cli.options import ADMINISTER, Json
from ratelord_core.cli.outcome import DONE, FAILED
from ratelord_core.cli.screen import print_json, say

if TYPE_CHECKING:
    from ratelord_core.errors import Finding
    from ratelord_core.model.config import Document


def register(app: App) -> None:
    """Add the verb."""
    from ratelord_core.cli.policy_backtesting import backtest
    from ratelord_core.cli.policy_shadowing import shadow
    from ratelord_core.cli.policy_show import show
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
    verb.command(shadow)
    app.command(verb)


def check(
    file: Path | None = None,
    /,
    *,
    strict: Annotated[bool, Parameter(negative=())] = False,
    json: Json = False,
) -> int:
    """Say whether a policy file could come into force, and what in it is most likely not meant.

    Needs no daemon. Each finding has file:line:column. Exit code 1 if the file is not valid.

    Parameters
    ----------
    file
        The file; else the one that the daemon would read.
    strict
        Exit code 1 for warnings too.
    """
    from ratelord_core.cli.policy_file import default_path, read_policy
    from ratelord_core.errors import PolicyError
    from ratelord_core.policy.lint import lint

    path = file or default_path()
    try:
        document = read_policy(path)
    except PolicyError as error:
        if json:
            _print(None, error.findings, ())
        else:
            say(str(error), "red")
        return FAILED
    warnings = lint(document, path.read_bytes())
    if json:
        _print(document.version, (), warnings)
    else:
        _say_valid(path, document, warnings)
    return FAILED if strict and warnings else DONE


def _say_valid(path: Path, document: Document, warnings: Sequence[Finding]) -> None:
    rules = sum(len(policy.rules) for policy in document.policies)
    counted = ", ".join(
        words.count(number, noun)
        for number, noun in (
            (len(document.providers), "provider"),
            (len(document.pools), "pool"),
            (rules, "rule"),
        )
    )
    for warning in warnings:
        say(warning.text(str(path)), "yellow")
    suspicious = f", {words.count(len(warnings), 'warning')}" if warnings else ""
    say(f"{path} is valid: {counted}; version {document.version[:12]}{suspicious}.", "green")


def _print(version: str | None, errors: Sequence[Finding], warnings: Sequence[Finding]) -> None:
    told = {"valid": version is not None, "version": version}
    print_json({**told, "errors": _plain(errors), "warnings": _plain(warnings)})


def _plain(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    import msgspec

    return [msgspec.to_builtins(finding) for finding in findings]
