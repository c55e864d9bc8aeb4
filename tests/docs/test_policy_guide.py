"""Every policy of the guide does what the cases below it say, and nothing in it is suspicious."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ratelord_core import parts
from ratelord_core.policy.lint import lint
from ratelord_core.proving.running import find, prove

PAGE = (Path(__file__).parents[2] / "docs" / "policy-guide.md").read_text(encoding="utf-8")
SECTIONS = {
    section.partition("\n")[0]: re.findall(r"^```yaml\n(.*?)^```$", section, re.S | re.M)
    for section in PAGE.split("\n## ")[1:]
}


@pytest.fixture(scope="module")
def offered() -> parts.Parts:
    return parts.load()


@pytest.mark.parametrize("section", SECTIONS)
def test_a_policy_of_the_guide_does_what_its_cases_say(
    section: str, offered: parts.Parts, tmp_path: Path
) -> None:
    policy, cases = SECTIONS[section]
    (tmp_path / "guide.yaml").write_text(policy, encoding="utf-8")
    (tmp_path / "guide.test.yaml").write_text(cases, encoding="utf-8")

    proof = prove(find([tmp_path]), offered)

    assert not [
        f"{case.name}: {failure.message}"
        for suite in proof.suites
        for case in suite.cases
        for failure in case.failures
    ]
    assert not proof.failed
    assert proof.coverage_percent == 100.0, [rule for rule in proof.rules if not rule.held]


@pytest.mark.parametrize("section", SECTIONS)
def test_nothing_in_a_policy_of_the_guide_is_suspicious(section: str, offered: parts.Parts) -> None:
    policy = SECTIONS[section][0]
    assert lint(offered.policy(policy, "guide.yaml").document, policy) == ()
