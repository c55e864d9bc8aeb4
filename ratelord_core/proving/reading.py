"""Reads a file of cases; every finding at once, with line, column and the nearest name."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from ratelord_core.errors import Finding, InvalidRequest, PolicyError
from ratelord_core.model.intent import Intent, Report
from ratelord_core.policy.condition import Conditions
from ratelord_core.policy.fields import Fields, entries, items, tree
from ratelord_core.policy.reading import Reading, nearest
from ratelord_core.policy.tree import UnreadableError, compose, decode
from ratelord_core.policy.values import integer, is_null, span, text, title
from ratelord_core.proving.reading_expected import read_checks
from ratelord_core.proving.reading_given import NOTHING, place_of, read_given
from ratelord_core.proving.terms import Case, Given, Step, Suite
from ratelord_core.wire.intent import IntentRequest, ReportRequest, intent_of, report_of

Asked = TypeVar("Asked", IntentRequest, ReportRequest)
Plain = dict[str, Any]

SUFFIXES = (".test.yaml", ".test.yml", ".test.json")
"""How a file of cases is called: the policy's name, and one of these."""
_WHO = {
    "agent_id": "agent:any",
    "identity_id": "identity:any",
    "workload_id": "work",
    "scope_id": "global",
}
_MOST_TIMES = 100_000


def read_suite(path: Path) -> Suite:
    """The cases of a file. Raises ``PolicyError`` with every finding, ``OSError``."""
    try:
        written = decode(path.read_bytes())
        root = compose(written)
    except UnreadableError as error:
        raise PolicyError(str(path), [error.finding]) from None
    reading = Reading(written, {}, (), Conditions())
    suite = _suite(root or yaml.MappingNode("tag:yaml.org,2002:map", []), path, reading)
    if reading.findings:
        found = sorted(reading.findings, key=lambda one: (one.line, one.column))
        raise PolicyError(str(path), list(dict.fromkeys(found)))
    return suite


def _suite(root: yaml.Node, path: Path, reading: Reading) -> Suite:
    if root.start_mark is None:  # an empty file has no nodes
        reading.findings.append(Finding("there are no cases here", hint="write cases: [...]"))
        return Suite(path, path, ())
    fields = Fields(root, "", reading)
    named = fields.maybe(text, "policy")
    usual = fields.at("defaults")
    given, asked = NOTHING, _WHO
    if usual is not None:
        inner = Fields(usual, "defaults", reading)
        given = read_given(inner.at("given"), "defaults.given", reading)
        asked = _WHO | _plain(inner.at("intent"), "defaults.intent", reading)
        inner.close()
    listed = fields.at("cases")
    cases = _cases(listed, given, asked, reading) if listed is not None else ()
    fields.close()
    if listed is None:
        reading.found(root, "", "'cases' is missing")
    policy = path.parent / named if named else _policy_of(path)
    if not policy.is_file():
        hint = "say policy: FILE, relative to this file"
        reading.found(fields.at("policy") or root, "policy", f"there is no policy {policy}", hint)
    return Suite(path, policy, cases)


def _policy_of(path: Path) -> Path:
    """The policy that lies beside a file of cases, by its name."""
    stem = next((path.name.removesuffix(end) for end in SUFFIXES if path.name.endswith(end)), "")
    found = (path.with_name(stem + end) for end in (".yaml", ".yml", ".json"))
    return next((one for one in found if one.is_file()), path.with_name(f"{stem}.yaml"))


def _cases(node: yaml.Node, given: Given, asked: Plain, reading: Reading) -> tuple[Case, ...]:
    found: dict[str, Case] = {}
    for item, path in items(node, "cases", reading):
        case = _case(Fields(item, path, reading), given, asked)
        if case.name in found:
            reading.found(item, path, f"case {case.name!r} stands twice")
        found.setdefault(case.name, case)
    return tuple(found.values())


def _case(fields: Fields, given: Given, asked: Plain) -> Case:
    reading = fields.reading
    name = fields.need(title, "name") or ""
    state = read_given(fields.at("given"), fields.path_of("given"), reading, given)
    listed = fields.at("steps")
    if listed is None:
        steps = [_step(fields, asked)]
    else:
        usual = asked | _plain(fields.at("intent"), fields.path_of("intent"), reading)
        found = items(listed, fields.path_of("steps"), reading)
        steps = [_step(Fields(item, path, reading), usual) for item, path in found]
    fields.close()
    return Case(name, place_of(fields.node), state, tuple(one for one in steps if one is not None))


def _step(fields: Fields, asked: Plain) -> Step | None:
    reading = fields.reading
    intent = _intent(fields, asked)
    expected = fields.at("expect")
    if expected is None and "steps" not in fields.path:
        reading.found(fields.node, fields.path, "'expect' is missing")
    checks = read_checks(expected, fields.path_of("expect"), reading)
    after, every = fields.get(span, 0, "after"), fields.get(span, 0, "every")
    times = fields.get(integer, 1, "times")
    if not 1 <= times <= _MOST_TIMES:
        message = f"must be from 1 to {_MOST_TIMES}"
        reading.found(fields.at("times") or fields.node, fields.path_of("times"), message)
    report, report_after = _report(fields)
    if "steps" in fields.path:
        fields.close()
    if intent is None:
        return None
    place = place_of(fields.node)
    return Step(place, intent, checks, after, times, every, report, report_after)


def _intent(fields: Fields, asked: Plain) -> Intent | None:
    node, path = fields.at("intent"), fields.path_of("intent")
    said = asked | _plain(node, path, fields.reading)
    request = _wire(said, IntentRequest, node or fields.node, path, fields.reading)
    if request is None:
        return None
    try:
        return msgspec.structs.replace(intent_of(request), debug=True)
    except InvalidRequest as error:
        _note(error, node or fields.node, path, fields.reading)
        return None


def _report(fields: Fields) -> tuple[Report | None, int]:
    node, path = fields.at("report"), fields.path_of("report")
    if node is None:
        return None, 0
    if not isinstance(node, yaml.MappingNode):
        return Report() if str(node.value) != "false" else None, 0
    said = _plain(node, path, fields.reading)
    waits = said.pop("after", None)
    after = next((value for key, value in node.value if key.value == "after"), None)
    late = 0 if waits is None or after is None else span(after, path, fields.reading) or 0
    request = _wire(said, ReportRequest, node, path, fields.reading)
    try:
        return (None if request is None else report_of(request)), late
    except InvalidRequest as error:
        _note(error, node, path, fields.reading)
        return None, late


def _plain(node: yaml.Node | None, path: str, reading: Reading) -> Plain:
    if node is None or is_null(node):
        return {}
    found = tree(node, path, reading)
    if isinstance(found, dict):
        return found
    reading.found(node, path, f"{path} must be a mapping of keys to values")
    return {}


def _wire(
    said: Plain, kind: type[Asked], node: yaml.Node, path: str, reading: Reading
) -> Asked | None:
    """The request as the API would take it; an unknown field is a finding."""
    known = {field.encode_name for field in msgspec.structs.fields(kind)}
    given = entries(node, path, reading) if isinstance(node, yaml.MappingNode) else {}
    for key in said.keys() - known:
        where = given[key][0] if key in given else node
        reading.found(where, f"{path}.{key}", f"unknown key {key!r}", nearest(key, known, few=0))
    try:
        return msgspec.convert(said, kind)
    except msgspec.ValidationError as error:
        what, _, wrong = str(error).partition(" - at ")
        key = wrong.strip("`").removeprefix("$.").partition("[")[0].partition(".")[0]
        reading.found(given[key][1] if key in given else node, f"{path}.{key}", what)
        return None


def _note(error: InvalidRequest, node: yaml.Node, path: str, reading: Reading) -> None:
    given = entries(node, path, reading) if isinstance(node, yaml.MappingNode) else {}
    for fault in error.fields:
        key = fault.field.partition(".")[0]
        where = given[key][1] if key in given else node
        reading.found(where, f"{path}.{fault.field}", fault.message)
