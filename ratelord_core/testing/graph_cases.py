"""Intents, pools and topologies for tests of constraint graphs: by hand, and drawn at random."""

from __future__ import annotations

from hypothesis import strategies as st

from ratelord_core.model.config import AgentConfig, Topology, WorkloadConfig
from ratelord_core.model.identity import Identity
from ratelord_core.model.instant import HOUR
from ratelord_core.model.intent import Intent
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window

HOURLY = Window(kind="fixed", every=HOUR)

AGENTS = ("crawler-1", "crawler-2", "writer")
IDENTITIES = ("pat:a", "pat:b", "key:c")
WORKLOADS = ("scan", "chat")
SCOPES = ("repo:acme/api", "repo:acme/web", "org:acme", "env:dev", "global")
PROVIDERS = ("gh", "ai")
PATTERNS = (
    *("*", "crawler-*", "writer", "agent:crawler-1", "identity:pat:*", "pat:b", "workload:scan"),
    *(
        "label:team:red",
        "label:team:*",
        "chat",
        "scope:org:acme",
        "org:acme",
        "repo:acme/*",
        "scope:repo:*",
        "global",
        "nobody",
    ),
)
POOL_IDS = ("core", "search", "pat:a/core", "pat:b/core", "key:c/search")
KEYS = tuple(f"{provider}/{pool}" for provider in (*PROVIDERS, "cap") for pool in POOL_IDS)


def ask(
    agent: str = "crawler-1",
    identity: str = "pat:a",
    workload: str = "scan",
    scope: str = "repo:acme/api",
    provider: str | None = None,
    pool: str | None = None,
) -> Intent:
    """An intent with only what a graph looks at."""
    return Intent(agent, identity, workload, scope, provider_id=provider, pool_id=pool)


def cap(name: str, *shared_by: str, members: tuple[str, ...] = (), default: bool = True) -> Pool:
    """A local pool of 100 units an hour."""
    return Pool(
        "cap",
        name,
        limit=100,
        window=HOURLY,
        local=True,
        shared_by=shared_by,
        members=members,
        default=default,
    )


def provided(key: str, *members: str, default: bool = True) -> Pool:
    """A provider's pool of 100 units an hour."""
    provider, _, name = key.partition("/")
    return Pool(provider, name, limit=100, window=HOURLY, members=members, default=default)


IDENTITY = st.sampled_from(IDENTITIES)


def pools() -> st.SearchStrategy[tuple[Pool, ...]]:
    """Up to seven pools over few names, so that they meet."""
    members = st.lists(st.sampled_from(IDENTITIES), max_size=2, unique=True).map(tuple)
    plain = st.builds(
        lambda provider, name, who, default: provided(f"{provider}/{name}", *who, default=default),
        *(st.sampled_from(PROVIDERS), st.sampled_from(POOL_IDS[:2]), members, st.booleans()),
    )
    own = st.builds(
        lambda provider, who, name: provided(f"{provider}/{who}/{name}", who),
        *(st.sampled_from(PROVIDERS), st.sampled_from(IDENTITIES), st.sampled_from(POOL_IDS[:2])),
    )
    patterns = st.lists(st.sampled_from(PATTERNS), max_size=3, unique=True)
    caps = st.builds(
        lambda name, by, who, default: cap(name, *by, members=who, default=default),
        *(st.sampled_from(POOL_IDS[:2]), patterns, members, st.booleans()),
    )
    listed = st.lists(plain | own | caps, max_size=7, unique_by=lambda pool: pool.key)
    return listed.map(tuple)


def topologies() -> st.SearchStrategy[Topology]:
    """Workloads, scopes and providers over the same few names."""
    consumes = st.dictionaries(st.sampled_from(KEYS), st.sampled_from((0.5, 1.0, 10.0)), max_size=3)
    workload = st.builds(lambda units: WorkloadConfig(consumes=units), consumes)
    scope_patterns = st.sampled_from((*SCOPES[:4], "repo:acme/*", "repo:*", "org:*", "*"))
    labels = st.dictionaries(st.just("team"), st.sampled_from(("red", "blue")), max_size=1)
    agent = st.builds(lambda those: AgentConfig(labels=those), labels)
    known = st.builds(lambda who, those: Identity(who, labels=those), IDENTITY, labels)
    declared = st.none() | st.sampled_from(IDENTITIES)
    return st.builds(
        Topology,
        workloads=st.dictionaries(st.sampled_from(WORKLOADS), workload, max_size=2),
        scopes=st.dictionaries(scope_patterns, st.sampled_from(SCOPES), max_size=4),
        providers=st.dictionaries(st.sampled_from(PROVIDERS), declared, max_size=2),
        agents=st.dictionaries(st.sampled_from((*AGENTS, "crawler-*")), agent, max_size=2),
        identities=st.lists(known, max_size=1).map(tuple),
    )


REGISTERED = st.dictionaries(st.sampled_from(IDENTITIES), st.sampled_from(PROVIDERS), max_size=2)
"""Identities and the providers that they are registered with."""
INTENTS = st.builds(
    ask,
    agent=st.sampled_from(AGENTS),
    identity=st.sampled_from(IDENTITIES),
    workload=st.sampled_from(WORKLOADS),
    scope=st.sampled_from(SCOPES),
    provider=st.none() | st.sampled_from(PROVIDERS),
    pool=st.none() | st.sampled_from((*POOL_IDS, *KEYS)),
)
