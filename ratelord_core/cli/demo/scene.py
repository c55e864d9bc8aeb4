"""What is played: the policy of the demonstration, and who asks for what."""

from __future__ import annotations

from typing import NamedTuple

from ratelord.wire import AskOptions

POOL = "demo/calls"
LIMIT = 10
WINDOW_SECONDS = 6
IDENTITY = "key:demo"

POLICY = f"""\
providers:
  mock:
    - id: demo
      pools:
        calls: {{limit: {LIMIT}, window: {{kind: fixed, every: {WINDOW_SECONDS}s}}}}
workloads:
  search: {{consumes: {{{POOL}: 1}}}}
  draft:  {{consumes: {{{POOL}: 1}}}}
  tidy:   {{consumes: {{{POOL}: 1}}}}
policies:
  - id: house-rules
    scope: global
    type: hard
    rules:
      - name: keep-the-last-half
        condition: "intent.urgency == 'background' && remaining < {LIMIT // 2}"
        action: deny
        params: {{reason: "less than half is left, and tidying up can wait"}}
"""


class Agent(NamedTuple):
    """Somebody who asks again and again; ``pace`` is the rest in seconds between two asks."""

    name: str
    workload: str
    pace: float
    habit: str
    options: AskOptions


AGENTS = (
    Agent("scout", "search", 0.4, "waits when it is told to", {}),
    Agent("hasty", "draft", 0.9, "takes now or never", {"max_wait": 0}),
    Agent("janitor", "tidy", 1.7, "tidies up in the background", {"urgency": "background"}),
)
