"""``ratelord policy test``: cases beside a policy, tried on the real engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ratelord_core.cli import words
from ratelord_core.cli.options import Json
from ratelord_core.cli.outcome import DONE, FAILED, USAGE, CommandFailed
from ratelord_core.cli.screen import print_json, say

if TYPE_CHECKING:
    from ratelord_core.proving.coverage import RuleCover
    from ratelord_core.proving.running import Proof, SuiteResult

_Switch = Parameter(negative=())


def run_cases(
    *paths: Path,
    only: str = "",
    min_coverage: float = 0.0,
    junit: Path | None = None,
    verbose: Annotated[bool, _Switch] = False,
    json: Json = False,
) -> int:
    """Try a policy on cases: a given state, a question, and the answer that is expected.

    Needs no daemon: the engine itself decides, in virtual time. Cases stand in NAME.test.yaml
    beside NAME.yaml. Exit code 1 if an answer is another one, or a file cannot be read.

    Parameters
    ----------
    paths
        Folders, or files of cases; else the present folder.
    only
        Run only the cases whose name contains this.
    min_coverage
        Fail if fewer rules than this, in percent, held in at least one case.
    junit
        Write JUnit XML there.
    verbose
        Name every case, and every rule with how often it held.
    """
    from ratelord_core import parts
    from ratelord_core.errors import InvalidRequest
    from ratelord_core.proving.junit import write
    from ratelord_core.proving.running import find, prove

    if not 0.0 <= min_coverage <= 100.0:
        raise CommandFailed(f"--min-coverage {min_coverage:g} must lie between 0 and 100", USAGE)
    try:
        files = find(paths or (Path(),))
    except InvalidRequest as error:
        raise CommandFailed(str(error), USAGE) from error
    proof = prove(files, parts.load(), lambda name: only.lower() in name.lower())
    if junit is not None:
        write(junit, proof)
    short = proof.coverage_percent < min_coverage
    if json:
        print_json(_plain(proof, short=short))
    else:
        _tell(proof, min_coverage if short else None, verbose=verbose)
    return FAILED if proof.failed or short else DONE


def _plain(proof: Proof, *, short: bool) -> dict[str, object]:
    import msgspec

    found: dict[str, object] = msgspec.to_builtins(proof)
    return {"success": not (proof.failed or short), **found}


def _tell(proof: Proof, wanted: float | None, *, verbose: bool) -> None:
    for suite in proof.suites:
        _tell_suite(suite, verbose=verbose)
    cases = [case for suite in proof.suites for case in suite.cases]
    failed = sum(bool(case.failures) for case in cases)
    unread = sum(bool(suite.errors) for suite in proof.suites)
    counted = f"{words.count(len(cases), 'case')} in {words.count(len(proof.suites), 'file')}"
    ended = f"{failed} failed" if failed else "all as expected"
    if unread:
        ended = f"{ended}, {words.count(unread, 'file')} could not be read"
    say(f"{counted}: {ended}.", "red" if proof.failed else "green")
    _tell_cover(proof, wanted, verbose=verbose)


def _tell_suite(suite: SuiteResult, *, verbose: bool) -> None:
    for error in suite.errors:
        say(error, "red")
    if verbose and suite.cases:
        say(suite.path)
    for case in suite.cases:
        if verbose:
            say(f"  {'✗' if case.failures else '✓'} {case.name}")
        elif case.failures:
            say(f"✗ {case.name}", "red")
        for failure in case.failures:
            say(f"  {suite.path}:{failure.line}:{failure.column}: {failure.message}", "red")


def _tell_cover(proof: Proof, wanted: float | None, *, verbose: bool) -> None:
    rules = proof.rules
    held = sum(rule.held > 0 for rule in rules)
    share = f"{held} of {len(rules)} rules held at least once ({proof.coverage_percent:.0f} %)"
    low = wanted is not None
    say(f"{share}, {wanted:g} % are wanted." if low else f"{share}.", "red" if low else None)
    for rule in rules:
        if verbose or not rule.held:
            say(f"  {_line(rule)}")


def _line(rule: RuleCover) -> str:
    where = f"{rule.policy_file}:{rule.line}:{rule.column}"
    looked = f"looked at {words.count(rule.looked_at, 'time')}"
    became = f"held {words.count(rule.held, 'time')}" if rule.held else "never held"
    return f"{where}: {rule.policy_id}/{rule.rule} {became}, {looked}"
