"""Any document survives being logged and read back."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ratelord_core.model.config import (
    AgentConfig,
    Document,
    PolicyConfig,
    PoolOverride,
    ProviderConfig,
    RuleConfig,
    Settings,
    TimeWindow,
    Topology,
    WorkloadConfig,
)
from ratelord_core.model.identity import Identity
from ratelord_core.model.pool import MAX_UNITS, Pool
from ratelord_core.model.window import Window
from ratelord_core.policy.document import canonical, from_canonical, stamped
from ratelord_core.policy.written import as_written

names = st.text("abcXYZ019._:/@+-é", min_size=1, max_size=8)
amounts = st.integers(0, MAX_UNITS)
spans = st.none() | st.integers(1, 10**12)
ratios = st.floats(0, 1e6, allow_nan=False)
plain: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)


def some(thing: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(thing, max_size=3).map(tuple)


windows = st.builds(
    Window,
    kind=st.sampled_from(["fixed", "calendar", "sliding", "bucket", "concurrency", "unbounded"]),
    every=spans,
    timezone=st.sampled_from(["UTC", "Europe/Madrid"]),
    burst=st.none() | amounts,
)
rules = st.builds(
    RuleConfig,
    name=names,
    action=names,
    condition=st.text(max_size=20),
    priority=st.integers(-9, 9),
    params=st.dictionaries(names, plain, max_size=2),
    time_window=st.none()
    | st.builds(TimeWindow, start_minute=st.integers(0, 1439), days=some(st.integers(0, 6))),
    overridable=st.booleans(),
    line=st.integers(0, 99),
)
policies = st.builds(
    PolicyConfig,
    id=names,
    scope=names,
    type=st.sampled_from(["hard", "soft"]),
    limit=st.none() | amounts,
    limit_window=st.none() | windows,
    rules=some(rules),
    line=st.integers(0, 99),
)
documents = st.builds(
    Document,
    providers=some(st.builds(ProviderConfig, plugin=names, id=names, options=st.just({"a": [1]}))),
    pools=some(
        st.builds(Pool, provider_id=names, pool_id=names, window=windows, local=st.booleans())
    ),
    overrides=some(st.builds(PoolOverride, key=names, limit=st.none() | amounts)),
    topology=st.builds(
        Topology,
        identities=some(st.builds(Identity, identity_id=names, labels=st.just({"a": "b"}))),
        workloads=st.dictionaries(
            names, st.builds(WorkloadConfig, degrade=some(names)), max_size=2
        ),
        scopes=st.dictionaries(names, names, max_size=2),
        agents=st.dictionaries(names, st.builds(AgentConfig, weight=ratios), max_size=2),
    ),
    policies=some(policies),
    settings=st.builds(Settings, strict_pools=st.booleans(), warn_threshold=ratios),
)


@settings(max_examples=100, deadline=None)
@given(documents)
def test_a_document_survives_the_log(document: Document) -> None:
    document = stamped(document, "policy.yaml")
    back = from_canonical(canonical(document))
    assert canonical(back) == canonical(document)
    assert back.version == document.version
    assert as_written(back) == as_written(document)
