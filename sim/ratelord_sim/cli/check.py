"""``ratelord-sim check``: are these files scenarios?"""

from __future__ import annotations

import sys

from ratelord_core.cli.options import Json
from ratelord_core.cli.outcome import DONE, FAILED


def check(*scenarios: str, json: Json = False) -> int:
    """Read scenarios without playing them; every mistake with its line and column.

    Parameters
    ----------
    scenarios
        Files, folders or names of shipped scenarios; all that are shipped, if none is given.
    """
    import msgspec

    from ratelord_core import parts
    from ratelord_core.cli.screen import print_json
    from ratelord_core.errors import PolicyError
    from ratelord_sim import library
    from ratelord_sim.scenario.reader import read_file

    loaded, told, bad = parts.load(), [], False
    for path in library.find(scenarios):
        findings: tuple[object, ...] = ()
        try:
            name = read_file(path, loaded).name
            if not json:
                print(f"{path}: ok, {name}")
        except PolicyError as error:
            findings, bad = error.findings, True
            if not json:
                print(error, file=sys.stderr)
        told.append(
            {"path": str(path), "valid": not findings, "findings": msgspec.to_builtins(findings)}
        )
    if json:
        print_json(told)
    return FAILED if bad else DONE
