"""What a scenario says, checked: every field with what it means, for readers of the reference."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from ratelord_core.model.config import Document
from ratelord_core.model.instant import HOUR, MINUTE, SECOND, Micros
from ratelord_core.model.window import Window
from ratelord_core.policy import values as plain
from ratelord_core.policy.windows import window
from ratelord_sim.scenario import values
from ratelord_sim.scenario.keys import key, named, record, records
from ratelord_sim.scenario.obedience import WHOLLY, Obedience, obedience

START: Micros = 1_767_225_600 * SECOND
"""Midnight of the first of January 2026, UTC: when a scenario begins unless it says otherwise."""

OF_POLICY = ("identities", "scopes", "workloads", "agents", "pricing")
"""Sections of ``topology`` that a policy file has too, and that are read as there."""


class PoolTerms(msgspec.Struct, frozen=True):
    """A pool as its provider keeps it."""

    id: Annotated[str, key(values.pool_name, "`provider/pool`", need=True)]
    limit: Annotated[int | None, key(plain.whole, "units that the window has")] = None
    window: Annotated[Window, key(window, "how capacity comes back, as in a policy file")] = Window(
        kind="fixed", every=MINUTE
    )
    unit: Annotated[str, key(plain.text, "what is counted")] = "requests"
    used: Annotated[int, key(plain.whole, "units that are used when the scenario begins")] = 0
    default: Annotated[
        bool, key(plain.flag, "whether every intent draws from it, or only workloads that list it")
    ] = True
    resets_in: Annotated[
        Micros | None, key(values.span, "when a fixed window ends for the first time")
    ] = None


class ProviderTerms(msgspec.Struct, frozen=True):
    """How a provider behaves. Those that only pools name are as the defaults say."""

    id: Annotated[str, key(plain.name, "the part of a pool's id before the slash", need=True)]
    identity: Annotated[
        str | None, key(plain.name, "whose account it is; without one it is shared by all")
    ] = None
    poll_interval: Annotated[Micros, key(values.long_span, "how often the daemon asks it")] = (
        10 * SECOND
    )
    latency: Annotated[Micros, key(values.span, "how long a reply takes, beside the work")] = 50_000
    lag: Annotated[
        Micros, key(values.span, "how late its own count follows what was really used")
    ] = 0
    reset_jitter: Annotated[
        Micros, key(values.span, "how far its resets may lie from what it announces")
    ] = 0
    headers: Annotated[
        bool, key(plain.flag, "whether replies tell limits, which agents pass on in reports")
    ] = False
    silent: Annotated[bool, key(plain.flag, "whether its polls tell limits, but never use")] = False


class TopologyTerms(msgspec.Struct, frozen=True):
    """What there is, as the world knows it. ``identities``, ``scopes``, ``workloads`` and
    ``agents`` are written as in a policy file."""

    providers: Annotated[
        tuple[ProviderTerms, ...], key(named(ProviderTerms, "id"), "how providers behave")
    ] = ()
    pools: Annotated[tuple[PoolTerms, ...], key(named(PoolTerms, "id"), "their pools")] = ()


class AgentTerms(msgspec.Struct, frozen=True):
    """A group of agents that behave alike."""

    name: Annotated[str, key(plain.name, "the group; its agents are `name-1`, `name-2`, …")] = (
        "agent"
    )
    count: Annotated[int, key(values.count, "how many agents")] = 1
    behavior: Annotated[str, key(plain.name, "when they ask: see the behaviours below")] = (
        "periodic"
    )
    rate: Annotated[float, key(plain.positive, "demands per second, of each agent")] = 1.0
    burst: Annotated[int, key(values.count, "demands that come at once (`bursty`)")] = 1
    jitter: Annotated[Micros, key(values.span, "chance in when a demand comes")] = 0
    together: Annotated[
        bool, key(plain.flag, "whether all begin at once, not anywhere within their first gap")
    ] = False
    priority: Annotated[
        str, key(values.priority, "`low`, `normal`, `high`, `critical`", "urgency")
    ] = "normal"
    identity: Annotated[str, key(plain.name, "the credential that is charged", "identity_id")] = (
        "key:shared"
    )
    scope: Annotated[str, key(plain.name, "where they work", "scope_id")] = "env:simulation"
    workload: Annotated[str, key(plain.name, "what kind of work it is", "workload_id")] = "work"
    units: Annotated[
        float | None, key(plain.number, "units they expect an action to cost", "expected_cost")
    ] = None
    costs: Annotated[dict[str, float], key(values.costs, "expected units, pool by pool")] = {}
    provider: Annotated[
        str | None, key(plain.name, "the provider that they pin", "provider_id")
    ] = None
    pool: Annotated[str | None, key(plain.name, "the pool that they pin", "pool_id")] = None
    model: Annotated[str | None, key(plain.name, "the model that they name")] = None
    spread: Annotated[
        float, key(values.share, "how far the real cost lies from the expected, up or down")
    ] = 0.0
    work: Annotated[Micros, key(values.span, "how long an action takes")] = 100_000
    hint: Annotated[
        Micros | None,
        key(
            values.long_span,
            "how long they say it takes at most; else as settings say",
            "duration_hint",
        ),
    ] = None
    max_wait: Annotated[Micros | None, key(values.span, "the longest wait they accept")] = None
    retries: Annotated[int, key(plain.whole, "how often they ask again after a denial")] = 0
    obeys: Annotated[
        Obedience,
        key(
            obedience,
            "share of answers they obey, acting at once against the others; a list of the "
            "modifications that they apply; or a share for each part of an answer",
        ),
    ] = WHOLLY
    honesty: Annotated[
        float, key(values.honesty, "share of actions they report; `honest`, `silent`")
    ] = 1.0
    cancels: Annotated[
        float, key(values.share, "share of actions that they give up while they wait, and say so")
    ] = 0.0
    weight: Annotated[float, key(plain.positive, "their share when a pool is contended")] = 1.0
    start: Annotated[Micros, key(values.span, "when they begin")] = 0
    stop: Annotated[Micros | None, key(values.span, "when they want nothing more")] = None
    trace: Annotated[
        str | None, key(plain.text, "the file of `behavior: trace`, beside the scenario")
    ] = None
    column: Annotated[
        str | None, key(plain.name, "the trace's column that tells units; `tokens` is in + out")
    ] = None
    speed: Annotated[float, key(plain.positive, "how much faster than life a trace plays")] = 1.0
    options: Annotated[
        dict[str, Any], key(values.anything, "what only a behaviour from a plugin understands")
    ] = {}


class PhaseTerms(msgspec.Struct, frozen=True):
    """A part of the time, one after another; the last one lasts until the end."""

    name: Annotated[str, key(plain.name, "its name, for scopes of invariants", need=True)]
    duration: Annotated[Micros | None, key(values.long_span, "how long it lasts", "for")] = None
    factor: Annotated[float, key(plain.number, "what rates are multiplied by; 0 = silence")] = 1.0
    agents: Annotated[
        tuple[str, ...], key(values.names, "the groups that are active (all, if not given)")
    ] = ()


class SabotageTerms(msgspec.Struct, frozen=True):
    """Spending behind the daemon's back."""

    enabled: Annotated[bool, key(plain.flag, "whether it happens at all")] = True
    target: Annotated[str, key(values.pool_name, "the pool that is drawn from", "pool")] = (
        "mock-provider-1/default"
    )
    amount: Annotated[int, key(values.count, "units each time", "units")] = 1
    interval: Annotated[Micros, key(values.long_span, "how often", "every")] = SECOND
    start: Annotated[Micros | None, key(values.span, "when it begins", "at")] = None
    duration: Annotated[Micros | None, key(values.long_span, "how long it goes on", "for")] = None


class FaultTerms(msgspec.Struct, frozen=True):
    """Something that breaks for a while."""

    kind: Annotated[
        str,
        key(
            plain.one_of(
                "outage", "slow_polls", "crash", "clock_step", "network_loss", "duplicates"
            ),
            "`outage`, `slow_polls`, `crash`, `clock_step`, `network_loss`, `duplicates`",
            need=True,
        ),
    ]
    at: Annotated[Micros, key(values.span, "when it begins", "start")] = 0
    duration: Annotated[Micros, key(values.long_span, "how long it lasts", "for")] = SECOND
    target: Annotated[
        str | None, key(plain.name, "the provider (`outage`, `slow_polls`); without one, all")
    ] = None
    on: Annotated[
        str, key(plain.one_of("both", "calls", "polls"), "what fails: `calls`, `polls` or `both`")
    ] = "both"
    status: Annotated[
        str,
        key(plain.one_of("503", "429", "500", "timeout"), "how: `503`, `500`, `429`, `timeout`"),
    ] = "503"
    retry_after: Annotated[
        Micros | None, key(values.span, "what a 429 or 503 asks callers to wait")
    ] = None
    latency: Annotated[Micros, key(values.span, "how long a slow poll takes")] = 5 * SECOND
    by: Annotated[Micros, key(values.signed_span, "how far the wall clock steps, either way")] = (
        HOUR
    )
    share: Annotated[
        float, key(values.share, "share of messages that are lost, or delivered twice")
    ] = 1.0
    direction: Annotated[
        str,
        key(
            plain.one_of("both", "requests", "replies"),
            "what is lost: `requests`, `replies` or `both`",
        ),
    ] = "both"


class InvariantTerms(msgspec.Struct, frozen=True):
    """Something that must hold at the end."""

    metric: Annotated[str, key(plain.name, "what is measured: see the metrics below", need=True)]
    condition: Annotated[
        str, key(values.condition, "`==`, `!=`, `<`, `<=`, `>`, `>=`", "op", need=True)
    ]
    value: Annotated[float, key(values.signed, "what it is compared with", "expected", need=True)]
    scope: Annotated[
        str,
        key(
            plain.text,
            "`all`, a group's name, `pool:…`, `phase:…` or a group in a phase: `group@phase`",
        ),
    ] = "all"
    why: Annotated[str, key(plain.text, "what it means if it fails")] = ""


class DaemonTerms(msgspec.Struct, frozen=True):
    """The daemon and the way to it."""

    latency: Annotated[Micros, key(values.span, "the way to the daemon, and back")] = 1000
    commit: Annotated[Micros, key(values.span, "how long the log takes to be durable")] = 1000
    tick: Annotated[Micros, key(values.long_span, "how often it looks without being asked")] = (
        SECOND // 4
    )
    timeout: Annotated[Micros, key(values.long_span, "how long clients wait for an answer")] = (
        5 * SECOND
    )
    attempts: Annotated[int, key(values.count, "how often clients try to reach it")] = 6


class Scenario(msgspec.Struct, frozen=True):
    """A whole scenario. ``document`` is its policy with the topology in it."""

    name: Annotated[str, key(plain.title, "what is shown", need=True)]
    agents: Annotated[tuple[AgentTerms, ...], key(records(AgentTerms), "who asks", need=True)]
    description: Annotated[str, key(plain.text, "the trouble, in a sentence or two")] = ""
    seed: Annotated[int, key(plain.whole, "where all chance comes from")] = 1
    duration: Annotated[Micros, key(values.long_span, "how long it plays")] = MINUTE
    start: Annotated[Micros, key(values.instant, "the instant at which it begins")] = START
    topology: Annotated[
        TopologyTerms, key(record(TopologyTerms, beside=OF_POLICY), "what there is")
    ] = TopologyTerms()
    phases: Annotated[tuple[PhaseTerms, ...], key(records(PhaseTerms), "parts of the time")] = ()
    sabotage: Annotated[
        tuple[SabotageTerms, ...], key(records(SabotageTerms, one=True), "hidden spenders")
    ] = ()
    faults: Annotated[tuple[FaultTerms, ...], key(records(FaultTerms), "what breaks")] = ()
    invariants: Annotated[
        tuple[InvariantTerms, ...], key(records(InvariantTerms), "what must hold")
    ] = ()
    daemon: Annotated[DaemonTerms, key(record(DaemonTerms), "the daemon itself")] = DaemonTerms()
    document: Document = Document()
    source: str = ""
