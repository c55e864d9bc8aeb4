"""``ratelord-sim compare``: what changed between two policies, or two versions?"""

from __future__ import annotations

from pathlib import Path

from ratelord_core.cli.options import Json
from ratelord_core.cli.outcome import DONE


def compare(
    first: Path,
    second: Path,
    /,
    *,
    scenario: str | None = None,
    seed: int | None = None,
    json: Json = False,
) -> int:
    """Show what differs between two results, or between two policies on one scenario.

    Parameters
    ----------
    first
        A result (``run --json``), a scenario (a file or the name of a shipped one), or, with
        --scenario, a policy file.
    second
        What it is compared with, of the same kind.
    scenario
        Play this scenario under both policies.
    seed
        Another seed than the scenario's.
    """
    from ratelord_core.cli.screen import print_json, print_table
    from ratelord_sim.cli.named import the_one
    from ratelord_sim.company import play_all
    from ratelord_sim.report.difference import differences, result_in

    if scenario is not None:
        played = the_one(scenario)
        both = [play_all([played], seed=seed, policy=policy)[0] for policy in (first, second)]
    else:
        files = [the_one(str(named)) for named in (first, second)]
        both = [result_in(file) or play_all([file], seed=seed)[0] for file in files]
    found = differences(*both)
    if json:
        print_json({"first": str(first), "second": str(second), "differences": found})
        return DONE
    if not found:
        print("nothing differs")
        return DONE
    rows = [
        (one["what"], _shown(one["first"]), _shown(one["second"]), one["change"]) for one in found
    ]
    print_table(
        ("what", first.name, second.name, "change"), rows, right=(first.name, second.name, "change")
    )
    return DONE


def _shown(value: object) -> str:
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
