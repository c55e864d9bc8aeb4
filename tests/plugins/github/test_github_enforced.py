"""A GitHub that really refuses what is too much: what the account makes of it, and how it is spared."""

from __future__ import annotations

from typing import Any

import anyio
import httpx2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ratelord_core.clock import SteppedClock
from ratelord_core.errors import ProviderFailed, SettingsError
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.instant import MINUTE, SECOND
from ratelord_core.provider import PollRequest, PollResult
from ratelord_core.testing.enforcing import EnforcingGithub
from ratelord_core.testing.table import Table
from ratelord_github.calls import CALLS, KINDS, consumes
from ratelord_github.graphql import FIELDS, as_headers, cost_of
from ratelord_github.plugin import GithubFactory

NESTED = (
    "repositories(first: 100) { nodes { issues(first: 50) { nodes { labels(first: 5) { x } } } } }"
)
"""As GitHub's guide reckons such a query: 1 + 100 + 100 × 50 requests, 51 points."""


class Place:
    """An enforcing GitHub on a clock of the test's, an account there, and a client of its own."""

    def __init__(self, serve: Any, root: str = "/api/v3", **limits: int) -> None:
        self.clock = SteppedClock()
        self.github = EnforcingGithub(limits, root=root, now=lambda: self.clock.now() / SECOND)
        self.url = serve(self.github, dates=False)

    def account(self, secret: str | None = "t0ken", **options: Any) -> Any:
        config = ProviderConfig("github", "gh", options={"enterprise_url": self.url, **options})
        return GithubFactory().build(config, lambda: secret, self.clock)

    def polls(self, account: Any, *between: Any) -> list[PollResult]:
        async def run() -> list[PollResult]:
            try:
                results = [await account.poll(PollRequest())]
                for act in between:
                    act()
                    results.append(await account.poll(PollRequest()))
                return results
            finally:
                await account.aclose()

        return anyio.run(run)

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return httpx2.get(
            f"{self.url}/api/v3{path}", headers={"authorization": "x", **headers}, timeout=60
        )

    def graphql(self, query: str) -> httpx2.Response:
        told = {"authorization": "x"}
        return httpx2.post(
            f"{self.url}/api/graphql", json={"query": query}, headers=told, timeout=60
        )


@pytest.fixture
def place(serve) -> Place:
    return Place(serve)


def rest_of(result: PollResult) -> dict[str, int | None]:
    return {one.pool_id: one.remaining for one in result.observations}


def test_every_bucket_that_github_counts_is_a_pool_and_told_by_a_poll(place) -> None:
    (result,) = place.polls(place.account())
    pools = {pool.pool_id for pool in place.account().pools()}
    assert set(place.github.primary.windows) <= pools
    told = rest_of(result)
    assert {name: told[name] for name in place.github.primary.windows} == {
        name: window.limit for name, window in place.github.primary.windows.items()
    }


def test_a_call_draws_from_the_bucket_that_it_is_of(place) -> None:
    paths = {
        "core": "/repos/a/b",
        "search": "/search/issues?q=x",
        "code_search": "/search/code?q=x",
        "dependency_sbom": "/repos/a/b/dependency-graph/sbom",
        "audit_log": "/orgs/a/audit-log",
        "scim": "/scim/v2/organizations/a/Users",
    }
    account = place.account()
    for resource, path in paths.items():
        answer = place.get(path)
        (seen,) = account.read_headers(answer.headers, place.clock.now())
        limit = place.github.primary.windows[resource].limit
        assert (seen.pool_id, seen.remaining) == (resource, limit - 1)


def test_an_unchanged_answer_costs_nothing(place) -> None:
    tag = place.get("/repos/a/b").headers["etag"]
    for _ in range(3):
        assert place.get("/repos/a/b", **{"if-none-match": tag}).status_code == 304
    assert place.github.primary.windows["core"].used == 1
    first, second = place.polls(place.account(), lambda: None)
    assert place.github.asked[-1].headers["if-none-match"]
    assert rest_of(second) == rest_of(first)
    assert place.github.primary.windows["core"].used == 1, "polling is free"


def test_an_exhausted_bucket_is_a_limit_whose_reset_is_known(serve) -> None:
    place = Place(serve, search=2)
    answers = [place.get("/search/users?q=x") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 403]
    (seen,) = place.account().read_headers(answers[-1].headers, place.clock.now())
    assert (seen.pool_id, seen.remaining) == ("search", 0)
    assert seen.reset_at == place.clock.now() + MINUTE


@pytest.mark.parametrize("limit", ["rest_points", "content_minute", "concurrent"])
def test_a_secondary_limit_pauses_whoever_shares_the_account(place, limit) -> None:
    secondary = place.github.secondary
    if limit == "concurrent":
        secondary.concurrent = 0
    if limit == "rest_points":
        assert secondary.take("rest", 900, creates=False) is None
    if limit == "content_minute":
        assert not any(secondary.take("rest", 5, creates=True) for _ in range(80))
    told = {"authorization": "x"}
    answer = httpx2.post(f"{place.url}/api/v3/repos/a/b/issues", json={}, headers=told, timeout=60)
    assert (answer.status_code, list(place.github.refused)) == (403, [limit])
    (pause,) = place.account().read_headers(answer.headers, place.clock.now())
    assert (pause.pool_id, pause.remaining) == ("secondary/pause", 0)
    wait = int(answer.headers["retry-after"])
    assert pause.reset_at == place.clock.now() + wait * SECOND
    assert 0 < wait <= 60


def test_a_pause_holds_up_every_call_until_it_is_over_and_then_none() -> None:
    table = Table(POLICY)
    table.observe("gh/core", limit=5000, remaining=5000, reset_at=table.now + 60 * MINUTE)
    assert table.ask("github:list_issues").decision == "approve"
    table.observe("gh/secondary/pause", limit=2**53 - 1, remaining=0, reset_at=table.now + MINUTE)
    held = table.ask("github:get_issue", max_wait=300 * SECOND)
    assert held.start_at - table.now >= MINUTE
    table.pass_time(120)
    assert table.ask("github:get_issue").decision == "approve"


def test_graphql_tells_what_a_query_cost_and_what_is_left(place) -> None:
    answer = place.graphql(f"query {{ viewer {{ {NESTED} }} {FIELDS} }}").json()
    assert cost_of(answer) == 51
    told = as_headers(answer)
    (seen,) = place.account().read_headers(told, place.clock.now())
    assert (seen.pool_id, seen.unit, seen.limit, seen.remaining) == (
        "graphql",
        "points",
        5000,
        4949,
    )
    assert seen.reset_at == place.clock.now() + 60 * MINUTE


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"data": None},
        {"data": {"rateLimit": None}},
        {"data": {"rateLimit": {"remaining": -1, "resetAt": "2026-01-01T00:00:00Z", "limit": 5}}},
        {"data": {"rateLimit": {"remaining": 9, "resetAt": "2026-01-01T00:00:00Z", "limit": 5}}},
        {"data": {"rateLimit": {"remaining": 1, "resetAt": "soon", "limit": 5}}},
        {"data": {"rateLimit": {"remaining": "1", "resetAt": "2026-01-01T00:00:00Z"}}},
    ],
)
def test_an_answer_that_makes_no_sense_tells_nothing(content) -> None:
    assert as_headers(content) == {}


def test_a_poll_may_ask_graphql_itself_which_costs_a_point(place) -> None:
    asking = place.account(graphql=True)
    (result,) = place.polls(asking)
    last = [one for one in result.observations if one.pool_id == "graphql"][-1]
    assert (last.remaining, last.used) == (4999, 1)
    assert asking.poll_costs
    assert not place.account().poll_costs
    assert place.github.asked[-1].path == "/api/graphql"
    assert place.github.asked[-1].headers["authorization"] == "Bearer t0ken"


def test_graphql_lies_below_the_root_of_any_other_api(serve) -> None:
    config = ProviderConfig("github", "gh", options={"graphql": True})
    built = GithubFactory().build(config, lambda: None, SteppedClock())
    assert built._options.graphql_url == "https://api.github.com/graphql"


def test_graphql_without_points_is_a_refusal_although_the_answer_is_good(serve) -> None:
    place = Place(serve, graphql=0)
    with pytest.raises(ProviderFailed) as caught:
        place.polls(place.account(graphql=True))
    assert caught.value.kind == "rate_limited"


def test_an_apps_token_is_renewed_before_it_ends(place) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, *form).decode()
    place.github.app_key = key.public_key()
    place.github.tokens = frozenset()
    account = place.account(pem, app_id=1, installation_id=2)
    steps = [lambda: place.clock.advance(9 * MINUTE)] * 14
    assert len(place.polls(account, *steps)) == 15, "no poll was ever refused"
    assert len(place.github.granted) == 3


def test_an_app_whose_key_is_anothers_is_unauthorized(place) -> None:
    mine, theirs = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    place.github.app_key = theirs.public_key()
    pem = mine.private_bytes(serialization.Encoding.PEM, *form).decode()
    with pytest.raises(ProviderFailed) as caught:
        place.polls(place.account(pem, app_id=1, installation_id=2))
    assert caught.value.kind == "unauthorized"
    assert "PRIVATE" not in str(caught.value)


# --- what common calls take ---------------------------------------------------------------------

POLICY = """
providers:
  github: [{id: gh, workloads: true}]
policies:
  - id: spare
    scope: global
    rules:
      - {name: by-graphql, condition: "pool.id == 'gh/core' && remaining < 100", action: switch_protocol, params: {to: graphql}}
"""


def test_one_line_brings_the_calls_and_a_rule_switches_their_protocol() -> None:
    table = Table(POLICY)
    hour = table.now + 60 * MINUTE
    table.observe("gh/core", limit=5000, remaining=50, reset_at=hour)
    table.observe("gh/graphql", limit=5000, remaining=5000, reset_at=hour)
    switched = table.ask("github:list_issues")
    assert switched.modifications.protocol_switch == "graphql"
    assert table.figures("gh/graphql").held == 1
    assert table.figures("gh/core").held == 0


def test_what_has_no_substitute_stays_with_its_protocol() -> None:
    table = Table(POLICY)
    table.observe("gh/core", limit=5000, remaining=50, reset_at=table.now + 60 * MINUTE)
    assert table.ask("github:list_workflow_runs").modifications.protocol_switch is None


def test_the_file_has_the_last_word_and_another_account_its_own_names() -> None:
    named = POLICY.replace("workloads: true", "workloads: 'corp.'") + (
        "workloads: {corp.get_issue: {consumes: {gh/core: 3}}}\n"
    )
    table = Table(named)
    workloads = table.engine.policy.document.topology.workloads
    assert workloads["corp.get_issue"].consumes == {"gh/core": 3}
    assert workloads["corp.list_issues"].protocols == {"graphql": "corp.list_issues.graphql"}


def test_without_the_line_there_are_none() -> None:
    assert GithubFactory().workloads(ProviderConfig("github", "gh")) == {}


@pytest.mark.parametrize("value", [7, "", "no spaces", ["core"]])
def test_any_other_value_is_refused(value) -> None:
    config = ProviderConfig("github", "gh", options={"workloads": value})
    with pytest.raises(SettingsError, match="workloads"):
        GithubFactory().build(config, lambda: None, SteppedClock())


def test_every_call_is_of_a_kind_and_every_kind_draws_from_pools_that_there_are(place) -> None:
    pools = {pool.pool_id for pool in place.account().pools()}
    assert {kind for pair in CALLS.values() for kind in pair if kind} == set(KINDS)
    for kind in KINDS:
        assert {key.removeprefix("gh/") for key in consumes("gh", kind)} <= pools
    assert consumes("gh", "create_content")["gh/secondary/rest_points"] == 5


def test_what_the_calls_are_said_to_take_is_what_github_takes(place) -> None:
    """A point for what reads, five for what writes, and content counted twice."""
    before = place.github.secondary
    httpx2.post(
        f"{place.url}/api/v3/repos/a/b/issues", json={}, headers={"authorization": "x"}, timeout=60
    )
    place.get("/repos/a/b")
    vector = {name: sum(one[1] for one in meter._spent) for name, meter in before.points.items()}
    content = {name: len(meter._spent) for name, meter in before.content.items()}
    issue, read = KINDS["create_content"], KINDS["rest_read"]
    assert vector["rest"] == issue["secondary/rest_points"] + read["secondary/rest_points"]
    assert content == {
        "minute": issue["secondary/content_minute"],
        "hour": issue["secondary/content_hour"],
    }
