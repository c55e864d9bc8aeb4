"""A proof as JUnit XML, as build servers read it."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from ratelord_core.proving.running import CaseResult, Proof, SuiteResult


def write(path: Path, proof: Proof) -> None:
    """Write the file. Raises ``OSError``."""
    root = Element("testsuites", {"name": "ratelord policy test", **_counts(list(proof.suites))})
    for suite in proof.suites:
        _suite(root, suite)
    indent(root)
    ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _suite(root: Element, suite: SuiteResult) -> None:
    node = SubElement(root, "testsuite", {"name": suite.path, **_counts([suite])})
    for case in suite.cases:
        _case(node, suite, case)
    for error in suite.errors:
        unread = SubElement(node, "testcase", classname=suite.path, name="can be read", time="0")
        SubElement(unread, "error", message=error).text = error


def _case(node: Element, suite: SuiteResult, case: CaseResult) -> None:
    one = SubElement(
        node,
        "testcase",
        classname=suite.path,
        name=case.name,
        file=suite.path,
        line=str(case.line),
        time=f"{case.seconds:.6f}",
    )
    if case.failures:
        lines = [f"{suite.path}:{f.line}:{f.column}: {f.message}" for f in case.failures]
        told = SubElement(one, "failure", message=case.failures[0].message)
        told.text = "\n".join(lines)


def _counts(suites: list[SuiteResult]) -> dict[str, str]:
    cases = [case for suite in suites for case in suite.cases]
    errors = sum(len(suite.errors) for suite in suites)
    return {
        "tests": str(len(cases) + errors),
        "failures": str(sum(bool(case.failures) for case in cases)),
        "errors": str(errors),
        "time": f"{sum(case.seconds for case in cases):.6f}",
    }
