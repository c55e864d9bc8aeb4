"""What one decision costs without a server or a disk, and whether that grows with the world."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import msgspec
from table import Row
from workload import intent, policy

from ratelord_core import plugins
from ratelord_core.clock import SeededEntropy, SteppedClock
from ratelord_core.engine.engine import Engine
from ratelord_core.engine.state import State
from ratelord_core.events.codec import Sealer
from ratelord_core.events.payloads import IdentityRegistered
from ratelord_core.events.record import GENESIS, Record
from ratelord_core.forecast.book import ForecastBook
from ratelord_core.model.config import PolicyConfig, RuleConfig
from ratelord_core.model.identity import Identity
from ratelord_core.model.intent import Intent
from ratelord_core.policy.reader import read_document
from ratelord_core.policy.stack import compile_policy

STEP = 500
"""µs between two intents: 2,000 a second."""


class World:
    """An engine that judges by the benchmark's policy, in a world of a given size."""

    def __init__(self, strange_rules: int = 0, identities: int = 0) -> None:
        found = plugins.load()
        actions = found.named("ratelord_register_policy_actions")
        document = read_document(policy(rules=10), "bench", actions, ())
        strangers = tuple(_stranger(number) for number in range(strange_rules))
        document = msgspec.structs.replace(document, policies=document.policies + strangers)
        graph = found.named("ratelord_register_graphs")["networkx"].build()
        model = found.named("ratelord_register_forecast_models", "model_id")["linear"]
        entropy = SeededEntropy(1)
        self._clock = SteppedClock()
        self._engine = Engine(
            State(graph, ForecastBook(model)), compile_policy(document, actions), entropy
        )
        self._engine.configure(self._engine.policy, document.pools, self._clock.now())
        self._sealer = Sealer(entropy, seq=0, chain=GENESIS)
        for number in range(identities):
            made = IdentityRegistered(identity=Identity(f"key:{number}"))
            self._engine.write(self._clock.now(), made)
        self._begun = self._engine.take()
        self._intent = msgspec.json.decode(intent(), type=Intent)

    def decide(self, times: int) -> float:
        """Decide so many intents, seal their events; seconds for each."""
        negotiate, take, seal = (
            self._engine.negotiator.negotiate,
            self._engine.take,
            self._sealer.seal,
        )
        began = time.perf_counter()
        for _ in range(times):
            now = self._clock.advance(STEP)
            decision = negotiate(self._intent, now, "http")
            for draft in take():
                seal(draft, now)
        taken = time.perf_counter() - began
        assert getattr(decision, "allowed", False), "the benchmark's intents must fit"
        return taken / times

    def log(self, events: int) -> Iterator[list[Record]]:
        """At least so many events from the beginning on, a few hundred at a time."""
        drafts, written = list(self._begun), 0
        while written < events:
            now = self._clock.advance(STEP)
            while len(drafts) < 500:
                now = self._clock.advance(STEP)
                self._engine.negotiator.negotiate(self._intent, now, "http")
                drafts += self._engine.take()
            written += len(drafts)
            yield list(self._sealer.seal_all(drafts, now))
            drafts = []


def rows(*, quick: bool) -> list[Row]:
    """The figures of this part."""
    rounds = 5 if quick else 15
    rules, identities = (2_000, 10_000) if quick else (10_000, 100_000)
    small = World(identities=100)
    gc.freeze()
    body = intent().encode()
    decode = msgspec.json.Decoder(Intent).decode
    each = _ratio(small.decide, lambda times: _decoding(decode, body, times), rounds)
    ruled = _ratio(World(strange_rules=rules, identities=100).decide, small.decide, rounds)
    before = _resident()
    crowded = World(identities=identities)
    memory = (_resident() - before) * 100_000 / identities / 1e6
    peopled = _ratio(crowded.decide, small.decide, rounds)
    return [
        Row("decision in process, 10 rules, ÷ one msgspec decode", each, "<=", 200),
        Row(f"decision cost, 10 → {rules:,} rules", ruled, "<=", 1.3),
        Row(f"decision cost, 100 → {identities:,} identities", peopled, "<=", 1.3),
        Row("memory per 100,000 identities, MB", memory, "<=", 120),
        Row("for scale: a decision in µs", 1e6 * small.decide(500)),
    ]


def _resident() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _ratio(one: Callable[[int], float], other: Callable[[int], float], rounds: int) -> float:
    gc.collect()
    gc.freeze()
    one(200), other(200)
    return median(one(200) / other(200) for _ in range(rounds))


def _decoding(decode: Callable[[bytes], Intent], body: bytes, times: int) -> float:
    began = time.perf_counter()
    for _ in range(times * 20):
        decode(body)
    return (time.perf_counter() - began) / (times * 20)


def _stranger(number: int) -> PolicyConfig:
    rule = RuleConfig(
        name="r", action="deny", condition=f"remaining < {number % 10}", params={"reason": "no"}
    )
    return PolicyConfig(id=f"other-{number}", scope=f"agent:other-{number}", rules=(rule,))
