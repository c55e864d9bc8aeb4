"""The policies that people start from do what their comments say."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratelord_core import parts
from ratelord_core.proving.running import find, prove

SEEDS = Path(__file__).parents[1] / "policies"
POLICIES = sorted(path for path in SEEDS.glob("*.yaml") if ".test." not in path.name)


@pytest.fixture(scope="module")
def offered() -> parts.Parts:
    return parts.load()


@pytest.mark.parametrize("policy", POLICIES, ids=lambda path: path.stem)
def test_a_seed_policy_behaves_as_its_cases_say(policy: Path, offered: parts.Parts) -> None:
    proof = prove(find([policy.with_name(f"{policy.stem}.test.yaml")]), offered)

    assert not proof.failed, [
        f"{suite.path}:{failure.line}:{failure.column}: {case.name}: {failure.message}"
        for suite in proof.suites
        for case in suite.cases
        for failure in case.failures
    ]
    assert proof.coverage_percent == 100.0, [rule for rule in proof.rules if not rule.held]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda path: path.stem)
def test_a_seed_policy_says_in_comments_what_it_is_for(policy: Path) -> None:
    first = policy.read_text(encoding="utf-8").splitlines()[:2]

    assert all(line.startswith("# ") for line in first)


def test_every_seed_is_there() -> None:
    wanted = {
        "hard-limit", "load-shedding", "business-hours", "dev-throttling", "prod-protection",
        "org-wide-limit", "fair-share", "monthly-budget",
    }  # fmt: skip

    assert wanted <= {path.stem for path in POLICIES}
