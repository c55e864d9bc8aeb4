"""``ratelord-sim run``: play scenarios and judge them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, validators

from ratelord_core.cli.options import Json
from ratelord_core.cli.outcome import DONE, FAILED, USAGE, CommandFailed


def run(
    *scenarios: str,
    seed: int | None = None,
    policy: Path | None = None,
    json: Json = False,
    csv: Path | None = None,
    report: Path | None = None,
    jobs: Annotated[int | None, Parameter(alias="-j", validator=validators.Number(gte=1))] = None,
    target: str | None = None,
    speed: float | None = None,
    token_env: str | None = None,
) -> int:
    """Play scenarios in virtual time. Exit code 0 only if every invariant of every one holds.

    On a terminal it tells people; into a pipe it writes the result as JSON, the same bytes for the
    same scenario, seed and version.

    Parameters
    ----------
    scenarios
        Files, folders or names of shipped scenarios; all that are shipped, if none is given.
    seed
        Another seed than the file's.
    policy
        A policy file in place of the scenario's own policy.
    csv
        Write the numbers of every group to this file.
    report
        Write a page with plots to this file (a folder, if there are several scenarios).
    jobs
        How many play at the same time; the number of cores, if not given.
    target
        Play in real time against this daemon: its address (http://…) or the path of its socket.
    speed
        With --target: seconds of the scenario that pass in each second; 1, if not given.
    token_env
        With --target: the environment variable that has the token; RATELORD_TOKEN, if not given.
    """
    from ratelord_sim import library
    from ratelord_sim.company import play_all

    paths = library.find(scenarios)
    if report is not None and len(paths) > 1 and report.suffix:
        raise CommandFailed(f"{len(paths)} scenarios do not fit in {report}; name a folder", USAGE)
    if target is None:
        if speed is not None or token_env is not None:
            raise CommandFailed("--speed and --token-env go with --target", USAGE)
        results = play_all(paths, seed=seed, policy=policy, jobs=jobs)
    else:
        from ratelord_sim.live.tour import Target, play_against

        daemon = Target(target, 1.0 if speed is None else speed, token_env)
        results = [play_against(path, daemon, seed=seed, policy=policy) for path in paths]
    if csv is not None:
        from ratelord_sim.report.table import csv_of

        csv.write_text(csv_of(results), encoding="utf-8")
    if report is not None:
        _write_reports(report, paths, results)
    return _say(results, json=json)


def _say(results: Sequence[dict[str, Any]], *, json: bool) -> int:
    """Tell machines, people or both."""
    from ratelord_sim.cli.screen import show
    from ratelord_sim.result import encode

    success = all(result["success"] for result in results)
    machine = json or not sys.stdout.isatty()
    if machine:
        whole = results[0] if len(results) == 1 else {"success": success, "results": results}
        sys.stdout.buffer.write(encode(whole))
        sys.stdout.buffer.flush()
    if not json:
        show(results, to_people_aside=machine)
    return DONE if success else FAILED


def _write_reports(
    where: Path, paths: Sequence[Path], results: Sequence[dict[str, object]]
) -> None:
    from ratelord_sim.report.page import page_of

    if where.suffix:
        where.write_text(page_of(results[0]), encoding="utf-8")
        return
    where.mkdir(parents=True, exist_ok=True)
    for path, result in zip(paths, results, strict=True):
        (where / f"{path.stem}.html").write_text(page_of(result), encoding="utf-8")
