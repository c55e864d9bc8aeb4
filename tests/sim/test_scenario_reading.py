"""Scenario files: what is read, and how mistakes are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratelord_core.model.instant import HOUR, MINUTE, SECOND
from ratelord_core.parts import Parts
from ratelord_sim.errors import ScenarioError
from ratelord_sim.scenario.keys import keys_of
from ratelord_sim.scenario.model import Scenario
from ratelord_sim.scenario.reader import read_scenario
from ratelord_sim.scenario.world import world_pools

PLAIN = """{
  "name": "plain", "description": "the plain forms", "duration": 60000000000, "seed": 9,
  "agents": [
    {"name": "app", "count": 10, "identity_id": "svc", "scope_id": "queue", "behavior": "periodic",
     "rate": 5, "jitter": 500000000, "priority": "low"}
  ],
  "sabotage": {"enabled": true, "interval": 2000000000, "amount": 10,
               "target": "mock-provider-1/default"},
  "invariants": [{"metric": "approval_rate", "condition": "gte", "value": 0.5, "scope": "global"}]
}"""


def read(text: str, parts: Parts, folder: Path = Path()) -> Scenario:
    return read_scenario(text, "it.yaml", parts, folder)


def test_the_plain_forms_are_read(installed: Parts) -> None:
    scenario = read(PLAIN, installed)
    (app,), (hidden,), (wanted,) = scenario.agents, scenario.sabotage, scenario.invariants
    (pool,) = world_pools(scenario, installed)

    assert (scenario.duration, app.jitter, hidden.interval) == (MINUTE, SECOND // 2, 2 * SECOND)
    assert (app.identity, app.scope, app.priority) == ("svc", "queue", "background")
    assert (wanted.condition, pool.id, pool.limit) == (">=", "mock-provider-1/default", 1000)


@pytest.mark.parametrize(
    ("written", "line", "column", "said"),
    [
        ("agents: [{behaviour: greedy}]", 2, 11, "did you mean 'behavior'?"),
        ("agents: [{behavior: gredy}]", 2, 21, "did you mean 'greedy'?"),
        ("agents: [{priority: hihg}]", 2, 21, "did you mean 'high'?"),
        ("agents: [{rate: -1}]", 2, 17, "0 or more"),
        ("agents: [{name: a}, {name: a}]", 2, 28, "two groups"),
        ("agents: [{}]\nduration: 60", 3, 11, "write 60s for seconds"),
        ("agents: [{}]\nduration: 1.5", 3, 11, "write 1.5s"),
        ("agents: [{}]\ninvariants: [{metric: fairnes, condition: '>', value: 1}]", 3, 23,
         "did you mean 'fairness'?"),
        ("agents: [{}]\ninvariants: [{metric: fairness, condition: '>', value: 1, scope: b}]", 3,
         66, "no group of agents"),
        ("agents: [{}]\nsabotage: {target: a/b}", 3, 20, "mock-provider-1/default"),
        ("agents: [{}]\nfaults: [{kind: crsh}]", 3, 17, "did you mean 'crash'?"),
        ("agents: [{}]\nfaults: [{kind: outage, target: x}]", 3, 33, "no provider"),
        ("agents: [{}]\ntopology: {pools: [{id: a/b}]}", 3, 20, "has no limit"),
        ("agents: [{}]\npolicy: {policies: [{id: p, rules: [{name: r, action: den}]}]}", 3, 55,
         "did you mean 'deny'?"),
        ("agents: [{behavior: trace}]", 2, 21, "need each other"),
        ("agents: [{behavior: trace, trace: no.csv}]", 2, 35, "there is no file"),
        ("agents: [{}]\nphases: [{name: a}, {name: b}]", 3, 10, "only the last phase"),
        ("agents: [{}]\npolices: {}", 3, 1, "did you mean 'policy'?"),
        ("agents: [{}]\ntopology: {identites: []}", 3, 12, "did you mean 'identities'?"),
        ("agents: [{}]\npolicy: {}\npolicy: {}", 4, 1, "stands twice (first on line 3)"),
        ("agents: [{}]\ntopology: {agents: {}, agents: {}}", 3, 24, "'agents' stands twice"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place_and_the_nearest_name(
    written: str, line: int, column: int, said: str, installed: Parts
) -> None:
    with pytest.raises(ScenarioError) as refused:
        read(f"name: it\n{written}", installed)

    first = refused.value.findings[0]
    assert (first.line, first.column) == (line, column), str(refused.value)
    assert said in first.text("it.yaml")


def test_all_mistakes_are_named_at_once(installed: Parts) -> None:
    with pytest.raises(ScenarioError) as refused:
        read("name: it\nagents: [{behavior: x, trace: y}, {rate: z}]\nsed: 1", installed)

    assert {finding.line for finding in refused.value.findings} == {2, 3}


def test_a_policy_file_is_played_with_its_own_providers(installed: Parts, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(
        "providers: {mock: [{id: llm, pools: {rpm: {limit: 7, window: {kind: fixed, every: 1h}}}}]}"
    )
    scenario = read("name: it\nagents: [{}]\npolicy: policy.yaml", installed, tmp_path)
    (pool,) = world_pools(scenario, installed)

    assert (pool.id, pool.limit, pool.window.every) == ("llm/rpm", 7, HOUR)


def test_topology_and_policy_are_one_document(installed: Parts) -> None:
    scenario = read(
        """
name: it
agents: [{name: a, weight: 3}]
topology:
  providers: {api: {identity: key:x}}
  pools: {api/rpm: {limit: 10, window: {kind: sliding, every: 60s}}}
  workloads: {work: {consumes: {api/rpm: 2}}}
policy:
  pools: [{id: cap, limit: 5, window: {kind: concurrency}}]
  workloads: {other: {consumes: {api/rpm: 1}}}
""",
        installed,
    )
    document = scenario.document

    assert document.topology.providers == {"api": "key:x"}
    assert set(document.topology.workloads) == {"work", "other"}
    assert [pool.key for pool in document.pools] == ["local/cap"]
    assert document.topology.agents["a-*"].weight == 3


def test_every_key_says_what_it_means() -> None:
    assert all(key.about for key in keys_of(Scenario).values())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("agents: [{}]\npolicy: nofile.yaml\n", "2:9: policy file"),
        ("agents: [{}]\nsabotage: {amount: 3, target: mock-provider-1/defalt}\n", "2:31: no pool"),
        ("agents: [{obeys: [wait, degrad]}]\n", "1:25: no answer contains 'degrad'"),
        ("agents: [{obeys: {denial: 3}}]\n", "1:27: must be true, false"),
        ("duration: -3s\nagents: [{}]\n", "1:11: '-3s' is not a length of time"),
    ],
)
def test_the_place_of_what_is_wrong_is_named(
    text: str, said: str, installed: Parts, tmp_path: Path
) -> None:
    with pytest.raises(ScenarioError) as caught:
        read_scenario(f"{text}name: it\n", "it.yaml", installed, tmp_path)

    assert f"it.yaml:{said}" in str(caught.value)
