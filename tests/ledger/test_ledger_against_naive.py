"""The ledger does what a plainly right model does, whatever happens in whatever order."""

from __future__ import annotations

from fact_machine import FactMachine
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from ledger_machine import LedgerMachine

from ratelord_core.model.instant import SECOND
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window

limits = st.one_of(st.integers(1, 5), st.integers(0, 12))
spans = st.integers(1, 10).map(lambda seconds: seconds * SECOND)

fixed_local = st.builds(
    lambda limit, every: Pool(
        "fixed", "local", limit=limit, window=Window("fixed", every), local=True
    ),
    limits,
    spans,
)
fixed_provider = st.builds(
    lambda limit, every: Pool("fixed", "far", limit=limit, window=Window("fixed", every)),
    limits,
    spans,
)
calendar = st.builds(
    lambda limit: Pool(
        "calendar", "c", limit=limit, window=Window("calendar", unit="hour"), local=True
    ),
    limits,
)
sliding = st.builds(
    lambda limit, every: Pool("sliding", "s", limit=limit, window=Window("sliding", every)),
    limits,
    spans,
)
concurrency = st.builds(
    lambda limit: Pool("concurrency", "c", limit=limit, window=Window("concurrency")), limits
)
bucket = st.builds(
    lambda limit, every, burst: Pool(
        "bucket", "b", limit=limit, window=Window("bucket", every, burst=burst)
    ),
    limits,
    spans,
    st.one_of(st.none(), st.integers(0, 15)),
)

play = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    report_multiple_bugs=False,
    database=None,
)


def one(pool: st.SearchStrategy[Pool]) -> st.SearchStrategy[list[Pool]]:
    return pool.map(lambda only: [only])


def machine(
    name: str,
    pools: st.SearchStrategy[list[Pool]],
    agents: int = 1,
    kind: type[LedgerMachine] = LedgerMachine,
) -> type[LedgerMachine]:
    return type(name, (kind,), {"kinds": pools, "agents": agents})


mixed = st.lists(
    st.one_of(fixed_local, fixed_provider, calendar, sliding, concurrency, bucket),
    min_size=2,
    max_size=4,
    unique_by=lambda pool: pool.key,
)

TestLocalFixed = machine("LocalFixed", one(fixed_local)).TestCase
TestProviderFixed = machine("ProviderFixed", one(fixed_provider)).TestCase
TestCalendar = machine("Calendar", one(calendar)).TestCase
TestSliding = machine("Sliding", one(sliding)).TestCase
TestConcurrency = machine("Concurrency", one(concurrency)).TestCase
TestBucket = machine("Bucket", one(bucket)).TestCase
TestMixed = machine("Mixed", mixed).TestCase
TestCrowd = machine("Crowd", mixed, agents=3).TestCase

everything = st.lists(
    st.one_of(fixed_local, fixed_provider, calendar, sliding, concurrency, bucket),
    min_size=1,
    max_size=2,
    unique_by=lambda pool: pool.key,
)
TestFacts = machine("Facts", everything, 2, FactMachine).TestCase

for case in (
    TestLocalFixed,
    TestProviderFixed,
    TestCalendar,
    TestSliding,
    TestConcurrency,
    TestBucket,
    TestMixed,
    TestCrowd,
    TestFacts,
):
    case.settings = play

del case
