"""``ratelord-sim new``: a scenario to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ratelord_core.cli.outcome import DONE, CommandFailed

TEMPLATE = """\
name: "{title}"
description: What is the trouble, and what should the daemon make of it?
seed: 1
duration: 5m

# What there is. Leave it out for one mock provider with a pool of 1000 a minute.
topology:
  providers:
    api: {{poll_interval: 10s, latency: 50ms}}
  pools:
    api/requests: {{limit: 100, window: {{kind: fixed, every: 60s}}}}

# What the daemon is told: a policy file's content, or the name of one.
policy:
  policies: []

agents:
  - {{name: crawler, count: 20, behavior: poisson, rate: 0.06}}
  - {{name: person, count: 2, behavior: periodic, rate: 0.05, priority: high}}

# phases: [{{name: calm, duration: 1m, factor: 0.2}}, {{name: rush}}]
# sabotage: {{target: api/requests, amount: 5, interval: 10s}}
# faults: [{{kind: outage, target: api, at: 2m, duration: 30s, status: "503"}}]

# What must hold at the end; ratelord-sim check names the metrics if one is misspelt.
invariants:
  - {{metric: provider_refusals, condition: "==", value: 0, why: the provider never says no}}
  - {{metric: immediate_rate, scope: person, condition: ">=", value: 0.99}}
"""


def new(
    name: Annotated[str, Parameter(help="The file to write; .yaml is added if it has no ending.")],
    /,
) -> int:
    """Write a scenario that plays, to make your own of."""
    path = Path(name)
    if not path.suffix:
        path = path.with_suffix(".yaml")
    if path.exists():
        raise CommandFailed(f"{path} is there already; choose another name")
    path.write_text(TEMPLATE.format(title=path.stem), encoding="utf-8")
    print(f"wrote {path}; play it with: ratelord-sim run {path}")
    return DONE
