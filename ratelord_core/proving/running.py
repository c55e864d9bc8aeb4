"""Runs files of cases: every case in a world of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from time import perf_counter

import msgspec

from ratelord_core.errors import InvalidRequest, PolicyError, RatelordError
from ratelord_core.model.decision import Decision
from ratelord_core.parts import Parts
from ratelord_core.policy.stack import PolicyStack
from ratelord_core.proving.checking import Answer, difference, wanted_text
from ratelord_core.proving.coverage import Cover, RuleCover, percent
from ratelord_core.proving.reading import SUFFIXES, read_suite
from ratelord_core.proving.terms import Between, Case, Check, Place, Step, Suite
from ratelord_core.proving.world import UngivableError, World


class Failure(msgspec.Struct, frozen=True):
    """What is wrong with a case, and where in its file; 1-based."""

    line: int
    column: int
    message: str


class CaseResult(msgspec.Struct, frozen=True):
    """What became of a case; it passed if nothing failed."""

    name: str
    line: int
    seconds: float
    failures: tuple[Failure, ...] = ()


class SuiteResult(msgspec.Struct, frozen=True):
    """What became of a file of cases. ``errors``: it, or its policy, could not be read."""

    path: str
    policy: str
    cases: tuple[CaseResult, ...] = ()
    errors: tuple[str, ...] = ()


class Proof(msgspec.Struct, frozen=True):
    """What became of all files, and which rules they reached."""

    suites: tuple[SuiteResult, ...]
    rules: tuple[RuleCover, ...]
    coverage_percent: float

    @property
    def failed(self) -> bool:
        """Whether anything was otherwise than expected, or could not be read."""
        return any(
            suite.errors or any(case.failures for case in suite.cases) for suite in self.suites
        )


def find(paths: Iterable[Path]) -> list[Path]:
    """The files of cases below these folders, or these files themselves, each once. Raises
    ``InvalidRequest`` if there is none."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = (each for end in SUFFIXES for each in path.rglob(f"*{end}"))
            found.update(dict.fromkeys(sorted(inside)))
        elif path.is_file():
            found[path] = None
        else:
            raise InvalidRequest(f"{path} is neither a folder nor a file of cases")
    if not found:
        raise InvalidRequest(
            "there are no cases here; they stand in files called NAME.test.yaml beside NAME.yaml"
        )
    return list(found)


def prove(
    paths: Sequence[Path], parts: Parts, chosen: Callable[[str], bool] = lambda _: True
) -> Proof:
    """Run the cases of these files whose names are ``chosen``."""
    stacks: dict[Path, PolicyStack] = {}
    covers: dict[Path, Cover] = {}
    results = []
    for path in paths:
        try:
            suite = read_suite(path)
            stack = _stack(suite.policy, parts, stacks)
        except PolicyError as error:
            lines = tuple(str(error).splitlines())
            results.append(SuiteResult(str(path), "", errors=lines))
            continue
        cover = covers.setdefault(suite.policy.resolve(), Cover(stack.document))
        results.append(_run(suite, stack, parts, cover, chosen))
    rules = [rule for cover in covers.values() for rule in cover.rules()]
    return Proof(tuple(results), tuple(rules), percent(rules))


def _stack(path: Path, parts: Parts, known: dict[Path, PolicyStack]) -> PolicyStack:
    key = path.resolve()
    if key not in known:
        known[key] = parts.policy(path.read_bytes(), str(path))
    return known[key]


def _run(
    suite: Suite, stack: PolicyStack, parts: Parts, cover: Cover, chosen: Callable[[str], bool]
) -> SuiteResult:
    cases = (case for case in suite.cases if chosen(case.name))
    results = tuple(_run_case(case, stack, parts, cover) for case in cases)
    return SuiteResult(str(suite.path), str(suite.policy), results)


def _run_case(case: Case, stack: PolicyStack, parts: Parts, cover: Cover) -> CaseResult:
    began = perf_counter()
    try:
        failures = _Run(case, World(stack, case.given, parts), cover).failures()
    except UngivableError as error:
        failures = [_failure(error.place, str(error))]
    return CaseResult(case.name, case.place.line, perf_counter() - began, tuple(failures))


class _Run:
    """One case being played."""

    def __init__(self, case: Case, world: World, cover: Cover) -> None:
        self._case, self._world, self._cover = case, world, cover
        self._failures: list[Failure] = []

    def failures(self) -> list[Failure]:
        several = len(self._case.steps) > 1
        for number, step in enumerate(self._case.steps, 1):
            self._world.pass_time(step.after)
            self._play(step, f"step {number}: " if several else "")
        return self._failures

    def _play(self, step: Step, prefix: str) -> None:
        approved, failed = 0, False
        for turn in range(step.times):
            if turn:
                self._world.pass_time(step.every)
            decision = self._ask(step, prefix)
            if decision is None:
                return
            approved += decision.allowed
            if not failed:  # of many alike, the first that is wrong says enough
                which = f"{prefix}question {turn + 1}: " if step.times > 1 else prefix
                failed = self._hold_against(step, decision, which)
            if decision.allowed and step.report is not None:
                started = decision.start_at or decision.as_of
                self._world.pass_time(started - decision.as_of + step.report_after)
                self._world.report(decision.intent_id, step.report)
        for check in step.checks:
            if check.key == "approved" and not _within(check.wanted, approved):
                self._fail(check, f"{prefix}approved", f"{approved} of {step.times}")

    def _ask(self, step: Step, prefix: str) -> Decision | None:
        try:
            decision = self._world.ask(step.intent)
        except RatelordError as error:
            self._failures.append(_failure(step.place, f"{prefix}the question is refused: {error}"))
            return None
        self._cover.add(decision.trace)
        return decision

    def _hold_against(self, step: Step, decision: Decision, prefix: str) -> bool:
        before = len(self._failures)
        cost = self._world.cost(decision.intent_id)
        answer = Answer(decision, step.intent.identity_id, cost)
        for check in step.checks:
            if check.key == "approved":
                continue
            got = difference(check, answer)
            if got is not None:
                self._fail(check, f"{prefix}{check.key}", got)
        return len(self._failures) > before

    def _fail(self, check: Check, what: str, got: str) -> None:
        message = f"{what}: expected {wanted_text(check.wanted)}, got {got}"
        self._failures.append(_failure(check.place, message))


def _within(wanted: Between, number: int) -> bool:
    return wanted.least <= number <= wanted.most


def _failure(place: Place, message: str) -> Failure:
    return Failure(place.line, place.column, message)
