"""A scenario file, YAML or JSON, to a checked scenario; every finding at once, with its place."""

from __future__ import annotations

from pathlib import Path

import yaml
from msgspec.structs import replace

from ratelord_core.errors import Finding, PolicyError, RatelordError
from ratelord_core.parts import Parts
from ratelord_core.policy.condition import Conditions
from ratelord_core.policy.fields import entries
from ratelord_core.policy.reading import Reading
from ratelord_core.policy.tree import UnreadableError, compose, decode
from ratelord_sim.errors import ScenarioError
from ratelord_sim.scenario.check import check
from ratelord_sim.scenario.keys import read_record
from ratelord_sim.scenario.model import OF_POLICY, Scenario
from ratelord_sim.scenario.policy import read_policy
from ratelord_sim.scenario.surgery import at, cut, cut_below


def read_file(path: Path, parts: Parts, *, policy: Path | None = None) -> Scenario:
    """The scenario in a file; ``policy`` takes the place of the one that it names. Raises
    ``ScenarioError`` with every finding, ``RatelordError`` if there is no such file."""
    return read_scenario(_content(path), str(path), parts, path.parent, policy=policy)


def read_scenario(
    text: str | bytes,
    source: str,
    parts: Parts,
    folder: Path | None,
    *,
    policy: Path | None = None,
) -> Scenario:
    """The scenario that a text tells. Files that it names lie in ``folder``; None: it may name
    none."""
    try:
        written = decode(text)
        root = compose(written)
    except UnreadableError as error:
        raise ScenarioError(source, [error.finding]) from None
    if not isinstance(root, yaml.MappingNode):
        finding = Finding("a scenario is a mapping of keys to values", 1, 1)
        raise ScenarioError(source, [finding])
    kinds = (*parts.providers, "simulated")
    reading = Reading(
        written, parts.actions, kinds, Conditions(parts.functions), tuple(parts.models)
    )
    _once(root, reading)
    said = cut(root, "policy")
    sections = cut_below(root, "topology", OF_POLICY)
    scenario = read_record(Scenario, root, "", reading, beside=("policy",))
    if scenario is None:
        raise _error(source, reading)
    if policy is not None:
        said = None
    try:
        document = read_policy(said, policy, sections, scenario, source, reading, folder)
    except PolicyError as error:
        raise ScenarioError(error.source, error.findings) from None
    scenario = replace(scenario, document=document, source=source)
    check(scenario, root, reading, parts, folder)
    if reading.findings:
        raise _error(source, reading)
    return scenario


def _once(root: yaml.Node, reading: Reading) -> None:
    """Find keys that stand twice where parts will be taken out, before they are."""
    for whole in (root, at(root, "topology")):
        if isinstance(whole, yaml.MappingNode):
            entries(whole, "", reading)


def _error(source: str, reading: Reading) -> ScenarioError:
    found = sorted(reading.findings, key=lambda one: (one.line, one.column))
    return ScenarioError(source, list(dict.fromkeys(found)))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        step = "ratelord-sim list shows what is shipped"
        raise RatelordError(f"scenario {path}: {error.strerror}; {step}") from error
