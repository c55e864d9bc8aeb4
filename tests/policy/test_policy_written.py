"""What is shown of a policy is a policy file: read again, it means the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ratelord_core.model.instant import DAY, HOUR, SECOND
from ratelord_core.policy.written import as_written, span_text

DOCS = Path(__file__).parents[2] / "docs" / "policy.md"
EVERYTHING = """
providers:
  github: [{id: gh, identity: pat:a, token_env_var: GH, poll_interval: 90s, enterprise_url: "https://x.example"}]
  mock: [{id: m, pools: {default: {limit: 5, window: {kind: fixed, every: 60s}}}}, {id: m2}]
pools:
  - {id: cap, limit: 7, window: {kind: bucket, every: 1500ms, burst: 9}, shared_by: ["agent:*", scan]}
  - {id: cap/day, unit: microusd, limit: 7, window: {kind: calendar, every: month, timezone: Asia/Tokyo}}
  - {id: cap/jobs, limit: 3, window: concurrency}
  - {id: cap/free, window: unbounded}
  - {id: cap/once, limit: 3, window: {kind: fixed, every: 1h30m, reset_at: "2026-01-31T12:00:00.5Z"}}
  - {id: cap/mine, limit: 3, window: concurrency, members: [pat:a], default: false, reserve: {percent: 2.5}}
  - {id: cap/each, limit: 3, window: {kind: sliding, every: 1h}, per: "label:team"}
  - {id: cap/parts, limit: 3, window: {kind: fixed, every: 1h}, shares: {"agent:a": 12.5, "scope:org:a": {least: 1, most: 9}}}
  - {id: m/default, limit: 4, unit: points, reserve: 0, shares: {"workload:scan": {most: 50}}}
  - {id: m2/x, window: {kind: sliding, every: 7d}}
identities: [{id: pat:a, kind: user, provider: gh, owner: me, owner_kind: org, labels: {a: b},
              role: viewer, secret_ref: "env:X", allowed_agents: [x, y]}]
workloads: {scan: {consumes: {m/default: 2.5, cap: 1}, degrade: [small]}}
scopes: {repo:a/*: org:a, org:a: global}
agents: {a: {role: ci, weight: 2.5, labels: {x: y}}}
pricing: {m: {input: 3000}}
units: {m: tokens}
policies:
  - {id: p, limit: 5}
  - {id: q, scope: org:a, type: soft, limit: {amount: 6, unit: microusd, window: {kind: sliding, every: 1us}}}
  - {id: s, limit: {amount: 6, window: {kind: sliding, every: 1h}, per: client_context.run_id, reserve: {percent: 10}}}
  - id: r
    rules:
      - {name: the cap, action: budget_cap, params: {limit_microusd: 5, window: {every: day, timezone: Asia/Tokyo}}}
      - {name: one, condition: "remaining < 3", action: deny, priority: -2, overridable: true, params: {reason: no},
         time_window: {start_time: "22:30", end_time: "24:00", days: [Sun, Mon], timezone: Europe/Madrid}}
      - {name: two, action: delay, params: {wait_seconds: 2}}
settings: {strict_pools: true, hold_ttl: 90s, high_reserve_percent: 2.5, idempotency_ttl: 2d}
retention: {enabled: true, default_ttl: 720h, by_type: {forecast_computed: 24h}, check_interval: 10m}
"""


def in_the_docs() -> list[str]:
    blocks = DOCS.read_text(encoding="utf-8").split("```yaml\n")[1:]
    return [block.partition("```")[0] for block in blocks]


@pytest.mark.parametrize("text", ["", EVERYTHING, *in_the_docs()])
def test_what_is_shown_reads_back_as_the_same_policy(
    load_policy: Callable[..., Any], text: str
) -> None:
    document = load_policy(text).document

    again = load_policy(yaml.safe_dump(as_written(document), sort_keys=False)).document

    assert again.version == document.version


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (0, "0d"),
        (1, "1us"),
        (1500, "1500us"),
        (90 * SECOND, "90s"),
        (HOUR, "1h"),
        (36 * HOUR, "36h"),
        (DAY, "1d"),
    ],
)
def test_spans_are_said_exactly_in_the_largest_unit(span: int, said: str) -> None:
    assert span_text(span) == said
