"""``ratelord-sim fuzz``: look for trouble that nobody has thought of."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, validators

from ratelord_core.cli.options import Json
from ratelord_core.cli.outcome import DONE, FAILED

if TYPE_CHECKING:
    from ratelord_sim.fuzz.hunt import Round

_WITHOUT_WORDS = 200


def fuzz(
    *,
    minutes: Annotated[float | None, Parameter(validator=validators.Number(gt=0))] = None,
    count: Annotated[int | None, Parameter(validator=validators.Number(gte=1))] = None,
    seed: int = 1,
    first: Annotated[int, Parameter(validator=validators.Number(gte=0))] = 0,
    jobs: Annotated[int, Parameter(alias="-j", validator=validators.Number(gte=1))] = 1,
    out: Path = Path("findings"),
    json: Json = False,
) -> int:
    """Play random scenarios and hold them to laws that none may break. Exit code 0 only if all do.

    Whatever breaks a law is made as small as possible and written to a scenario file.

    Parameters
    ----------
    minutes
        How long to look; 1, if neither this nor --count is given.
    count
        How many scenarios to play.
    seed
        The same seed makes the same scenarios.
    first
        The number of the first one: where an earlier round ended.
    jobs
        How many play at the same time.
    out
        The folder to which scenarios are written that show a trouble.
    """
    from ratelord_core.cli.screen import print_json
    from ratelord_sim.fuzz.finding import write_finding
    from ratelord_sim.fuzz.hunt import Wanted, hunt

    if minutes is None and count is None:
        minutes = 1.0
    paths: list[Path] = []

    def heard(done: Round) -> None:
        """A finding is written at once: a round that is broken off has not been in vain."""
        paths.extend(write_finding(one, seed, out) for one in done.findings[len(paths) :])
        _line(done)

    done = hunt(Wanted(seed, first, count, minutes or 0.0, jobs), heard)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if json:
        print_json(_plain(done, paths))
    else:
        _tell(done, paths)
    return FAILED if done.findings else DONE


def _line(done: Round) -> None:
    """One line that is written over on a terminal; now and then a new one elsewhere."""
    said = f"{done.played} scenarios, {len(done.findings)} troubles, next {done.next}"
    if sys.stderr.isatty():
        print(f"\r{said}", end="", file=sys.stderr, flush=True)
    elif done.played % _WITHOUT_WORDS == 0:
        print(said, file=sys.stderr, flush=True)


def _tell(done: Round, paths: list[Path]) -> None:
    for finding, path in zip(done.findings, paths, strict=True):
        more = done.repeats.get(finding.signature, 0)
        print(f"{finding.said}\n  in scenario {finding.number} and {more} more: {path}")
    print(
        f"{done.played} scenarios with seed {done.seed}: {len(done.findings)} troubles; "
        f"go on with --seed {done.seed} --first {done.next}"
    )


def _plain(done: Round, paths: list[Path]) -> dict[str, object]:
    return {
        "seed": done.seed,
        "first": done.first,
        "played": done.played,
        "next": done.next,
        "findings": [
            {
                "number": finding.number,
                "signature": finding.signature,
                "said": finding.said,
                "repeats": done.repeats.get(finding.signature, 0),
                "path": str(path),
            }
            for finding, path in zip(done.findings, paths, strict=True)
        ],
    }
