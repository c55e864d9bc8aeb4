"""The process that plays one scenario for a daemon: a task on standard input, lines on output."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable
from typing import BinaryIO

import msgspec
from msgspec.structs import replace

from ratelord_core import parts
from ratelord_core.errors import Finding, PolicyError, RatelordError
from ratelord_core.jobs import Said
from ratelord_core.model.instant import SECOND
from ratelord_sim import library
from ratelord_sim.errors import ScenarioError
from ratelord_sim.play import play
from ratelord_sim.scenario.model import Scenario
from ratelord_sim.scenario.reader import read_file, read_scenario
from ratelord_sim.server.task import Task

_NICENESS = 10


Say = Callable[[Said], None]


def main(source: BinaryIO, out: BinaryIO) -> None:
    """Play the task on ``source``; everything that is to be known goes to ``out``."""
    os.nice(_NICENESS)
    task = msgspec.json.decode(source.read(), type=Task)
    if task.megabytes:
        _bound_memory(task.megabytes)

    def say(said: Said) -> None:
        out.write(msgspec.json.encode(said) + b"\n")
        out.flush()

    try:
        _play(task, say)
    except PolicyError as error:
        say(Said(findings=[msgspec.to_builtins(one) for one in error.findings]))
    except RatelordError as error:
        say(Said(error=str(error)))
    except MemoryError:
        say(Said(error=f"it took more than {task.megabytes} MiB; play something smaller"))


def _play(task: Task, say: Say) -> None:
    loaded = parts.load()
    if task.name:
        scenario = read_file(library.shipped()[task.name], loaded)
    else:
        # Nothing outside of the text may be named: the daemon's files are not the asker's.
        scenario = read_scenario(task.text, "the scenario", loaded, None)
    if task.seed is not None:
        scenario = replace(scenario, seed=task.seed)
    _check_size(scenario, task)
    say(Said(title=scenario.name))
    say(Said(result=play(scenario, loaded, lambda part: say(Said(progress=part)))))


def _check_size(scenario: Scenario, task: Task) -> None:
    """Raise ``ScenarioError`` if it is larger than a daemon is willing to play."""
    found = []
    agents = sum(group.count for group in scenario.agents)
    if task.agents and agents > task.agents:
        message = f"{agents} agents are more than the {task.agents} that this daemon plays"
        found.append(Finding(message, 1, 1, "agents"))
    seconds = scenario.duration / SECOND
    if task.duration_seconds and seconds > task.duration_seconds:
        most = f"{task.duration_seconds:g} s"
        message = f"{seconds:g} s are longer than the {most} that this daemon plays"
        found.append(Finding(message, 1, 1, "duration"))
    if found:
        raise ScenarioError("the scenario", found)


def _bound_memory(megabytes: int) -> None:
    most = megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
