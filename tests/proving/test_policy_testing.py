"""``ratelord policy test``: what passes, what fails and where, what cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import parse

import pytest

from ratelord_core import parts
from ratelord_core.cli.app import run
from ratelord_core.errors import PolicyError
from ratelord_core.proving.reading import read_suite
from ratelord_core.proving.running import Proof, prove

POLICY = """\
providers:
  mock: [{id: github-main, poll_interval: 30s,
          pools: {core: {limit: 100, window: {kind: fixed, every: 1h}}}}]
pools: [{id: budget/day, limit: 10, window: {kind: calendar, every: day}, shared_by: ["bot:*"]}]
policies:
  - id: caution
    rules:
      - {name: red-line, condition: "risk.p_exhaustion > 0.9", action: deny, params: {reason: too risky}}
      - {name: status, condition: "system.status == 'critical'", action: warn, params: {message: hot}}
"""

Write = Callable[[str], Path]


@pytest.fixture(scope="module")
def offered() -> parts.Parts:
    return parts.load()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    (tmp_path / "rules.yaml").write_text(POLICY, encoding="utf-8")

    def cases(text: str) -> Path:
        path = tmp_path / "rules.test.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return cases


def _messages(proof: Proof) -> list[str]:
    return [
        f"{failure.line}:{failure.column} {failure.message}"
        for suite in proof.suites
        for case in suite.cases
        for failure in case.failures
    ]


GIVEN = """\
cases:
  - name: a stated forecast reaches the rules
    given: {forecasts: {github-main/core: {p_exhaustion: 0.95, tte_p50: 90s, tte_p90: 60s, tte_p99: 30s}}}
    expect: {decision: deny, rule: caution/red-line}
  - name: so does the status of the system
    given: {system: {status: critical, risk_score: 90}}
    expect: {decision: approve, warnings: [hot], rules: [status]}
  - name: an identity in quarantine is denied
    given: {identities: {"pat:x": {status: quarantined}}}
    intent: {identity_id: "pat:x"}
    expect: {decision: deny, reason_code: identity_quarantined}
  - name: numbers that are too old hold normal work up
    given: {pools: {github-main/core: {used: 3, age: 10m}}}
    intent: {max_wait_seconds: 0}
    expect: {decision: deny, reason_code: forecast_stale}
  - name: an open circuit does so too
    given: {providers: {github-main: open}}
    intent: {urgency: background}
    expect: {decision: deny, reason_code: provider_degraded}
  - name: a cap may be half used by somebody, and held
    given: {pools: {budget/day: {by_agent: {"bot:b": 6}, held: 3}}, forecasts: {"*": {}}}
    steps:
      - {times: 2, intent: {agent_id: "bot:b", max_wait_seconds: 0}, expect: {approved: 1}}
  - name: time passes between steps
    given: {forecasts: {"*": {}}}
    steps:
      - {times: 10, intent: {agent_id: "bot:b"}, report: true, expect: {decision: approve}}
      - {intent: {agent_id: "bot:b", max_wait_seconds: 0}, expect: {decision: deny}}
      - {after: 1d, intent: {agent_id: "bot:b", max_wait_seconds: 0}, expect: {decision: approve}}
"""


def test_everything_that_a_case_gives_is_what_the_engine_sees(
    write: Write, offered: parts.Parts
) -> None:
    proof = prove([write(GIVEN)], offered)

    assert _messages(proof) == []
    assert proof.coverage_percent == 100.0


def test_an_answer_that_was_not_expected_is_named_with_its_place(
    write: Write, offered: parts.Parts
) -> None:
    path = write(
        "cases:\n"
        "  - name: it is denied, they say\n"
        "    expect:\n"
        "      decision: deny\n"
        "      wait: 5s\n"
        "      holds: {github-main/core: 2}\n"
    )

    assert _messages(prove([path], offered)) == [
        "4:17 decision: expected deny, got approve (approved: 99 left in github-main/core)",
        "5:13 wait: expected 5, got 0",
        "6:14 holds: expected github-main/core: 2, got github-main/core: 1",
    ]


def test_of_many_questions_the_first_that_goes_wrong_is_told(
    write: Write, offered: parts.Parts
) -> None:
    path = write(
        "cases:\n"
        "  - name: too many\n"
        '    given: {forecasts: {"*": {}}}\n'
        "    times: 12\n"
        '    intent: {agent_id: "bot:b", max_wait_seconds: 0}\n'
        "    expect: {decision: approve, approved: {min: 11}}\n"
    )

    first, count = _messages(prove([path], offered))

    assert first.startswith("6:24 question 11: decision: expected approve, got deny_with_reason")
    assert count == "6:43 approved: expected 11 at least, got 10 of 12"


@pytest.mark.parametrize(
    ("text", "where", "told"),
    [
        ("cases: [{name: a, expect: {decison: deny}}]", "1:28", "did you mean 'decision'?"),
        ("cases: [{name: a, expect: {decision: no}}]", "1:38", "'no' is not one of approve"),
        ("cases: [{name: a}]", "1:9", "'expect' is missing"),
        ("cases: [{expect: {decision: deny}}]", "1:9", "'name' is missing"),
        ("{}", "1:1", "'cases' is missing"),
        ("policy: none.yaml\ncases: []", "1:9", "there is no policy"),
        ("cases: [{name: a, intent: {agent: x}, expect: {}}]", "1:28", "did you mean 'agent_id'?"),
        ("cases: [{name: a, intent: {urgency: soon}, expect: {}}]", "1:37", "Invalid enum value"),
        ("cases: [{name: a, intent: {scope_id: 'a b'}, expect: {}}]", "1:38", "is not an id"),
        ("cases: [{name: a, given: {time: noon}, expect: {}}]", "1:33", "is not an instant"),
        (
            "cases: [{name: a, given: {forecasts: {x/y: {p_exhaustion: 2}}}, expect: {}}]",
            "1:59",
            "2 is no probability",
        ),
        ("cases: [{name: a, times: 0, expect: {}}]", "1:26", "must be from 1 to"),
        ("cases: [", "2:1", "not valid YAML"),
    ],
)
def test_a_file_of_cases_that_is_wrong_says_where(
    write: Write, text: str, where: str, told: str
) -> None:
    path = write(text + "\n")

    with pytest.raises(PolicyError) as refused:
        read_suite(path)

    assert f"{path}:{where}: " in str(refused.value)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("{pools: {nobody/core: {used: 1}}}", "no pool is called 'nobody/core'"),
        ("{pools: {budget/day: {limit: 5}}}", "budget/day is a cap of the policy"),
    ],
)
def test_what_cannot_be_given_fails_the_case(
    write: Write, offered: parts.Parts, given: str, told: str
) -> None:
    path = write(f"cases: [{{name: a, given: {given}, expect: {{decision: approve}}}}]")

    (message,) = _messages(prove([path], offered))

    assert told in message


def test_the_command_fails_for_a_wrong_answer_and_writes_junit(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(
        "cases:\n  - {name: good, expect: {decision: approve}}\n"
        "  - {name: bad & <worse>, expect: {decision: deny}}\n"
    )

    code = run(["policy", "test", str(tmp_path), "--junit", str(tmp_path / "out.xml")])

    told = capsys.readouterr().out
    assert code == 1
    assert f"{path}:3:46: decision: expected deny, got approve" in told
    assert "2 cases in 1 file: 1 failed." in told
    (suite,) = parse(tmp_path / "out.xml").getroot()
    assert suite.attrib["tests"] == "2"
    assert [(case.attrib["name"], len(case)) for case in suite] == [
        ("good", 0),
        ("bad & <worse>", 1),
    ]


def test_the_command_tells_machines_and_counts_the_rules_that_held(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write("cases: [{name: good, given: {system: {status: critical}}, expect: {decision: approve}}]")

    assert run(["policy", "test", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)

    assert told["success"] is True
    assert told["coverage_percent"] == 50.0
    assert [(rule["rule"], rule["held"]) for rule in told["rules"]] == [
        ("red-line", 0),
        ("status", 1),
    ]


def test_too_little_coverage_fails_and_names_the_rules(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write("cases: [{name: good, expect: {decision: approve}}]")

    assert run(["policy", "test", str(tmp_path), "--min-coverage", "80"]) == 1

    told = capsys.readouterr().out
    assert "0 of 2 rules held at least once (0 %), 80 % are wanted." in told
    assert "rules.yaml:8:9: caution/red-line never held, looked at 1 time" in told


def test_a_policy_that_is_not_valid_fails_its_file(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write("cases: [{name: good, expect: {decision: approve}}]")
    (tmp_path / "rules.yaml").write_text("policies: [{id: a, rulez: []}]", encoding="utf-8")

    assert run(["policy", "test", str(tmp_path)]) == 1

    assert "rules.yaml:1:20: unknown key 'rulez'" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["nowhere"], ["--min-coverage", "120"], ["{empty}"]])
def test_a_command_that_makes_no_sense_is_a_usage_error(words: list[str], tmp_path: Path) -> None:
    given = [word.replace("{empty}", str(tmp_path)) for word in words]

    assert run(["policy", "test", *given]) == 2
