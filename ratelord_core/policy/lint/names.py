"""Names of pools, identities, workloads and scopes that nothing in the file declares."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from ratelord_core.errors import Finding
from ratelord_core.model.config import Document, PolicyConfig
from ratelord_core.policy.lint.formula import formula
from ratelord_core.policy.lint.places import Places, Step
from ratelord_core.policy.reading import Guesses, nearest

_KINDS = {
    "pool.id": "pool",
    "pool.provider_id": "provider",
    "provider_id": "provider",
    "identity.id": "identity",
    "intent.identity_id": "identity",
    "intent.workload_id": "workload",
}


_SCOPES = ("global", "org", "env", "repo", "pool", "identity", "agent")


class _Known:
    """What a document declares. A provider may have pools that nobody listed, and identities are
    registered while the daemon runs: where the file is silent, everything is known. A tool
    without a workload of its own is one by its name: where tools are mapped, only what is nearly
    the name of a workload is not known."""

    def __init__(self, document: Document) -> None:
        self.accounts = {one.id for one in document.providers}
        self.pools = {one.key for one in document.pools}
        self.pools |= {one.key for one in document.overrides}
        self.providers = self.accounts | {key.partition("/")[0] for key in self.pools}
        topology = document.topology
        self.identities = {one.identity_id for one in topology.identities}
        self.identities |= {one for one in topology.providers.values() if one}
        self.workloads = set(topology.workloads)
        self.mapped = bool(document.tools)
        self.guesses = Guesses()
        self.scopes = {*topology.scopes, *topology.scopes.values(), "global"}

    def fault(self, kind: str, name: str) -> str | None:
        """A hint if there is no such thing; None if there is, or may be."""
        known: Collection[str] = {
            "pool": self.pools,
            "provider": self.providers,
            "identity": self.identities,
            "workload": self.workloads,
        }[kind]
        if kind == "pool" and name.partition("/")[0] in self.accounts:
            return None
        if not known or name.endswith("*") or name in known:
            return None
        hint = self.guesses.nearest(name, known)
        if kind == "workload" and self.mapped and not hint.startswith("did you mean"):
            return None  # the name of a tool that has no other
        return hint


def look(document: Document, places: Places) -> Iterator[Finding]:
    """Every name that leads nowhere."""
    known = _Known(document)

    def unknown(kind: str, name: str, *path: Step) -> Iterator[Finding]:
        hint = known.fault(kind, name)
        if hint is not None:
            yield places.warn(f"no {kind} {name!r} is declared in this file", *path, hint=hint)

    for at, policy in enumerate(document.policies):
        for kind, name, path in (*_of_scope(policy), *_of_rules(policy)):
            yield from unknown(kind, name, "policies", at, *path)
        yield from _scope(policy, at, known, places)
    for name, work in document.topology.workloads.items():
        for pool in work.consumes:
            yield from unknown("pool", pool, "workloads", name, "consumes", pool)
        for smaller in work.degrade:
            yield from unknown("workload", smaller, "workloads", name, "degrade")
        for protocol, other in work.protocols.items():
            yield from unknown("workload", other, "workloads", name, "protocols", protocol)


def _of_scope(policy: PolicyConfig) -> Iterator[tuple[str, str, tuple[Step, ...]]]:
    kind, _, name = policy.scope.partition(":")
    if kind in ("pool", "identity"):
        yield kind, name, ("scope",)


def _scope(policy: PolicyConfig, at: int, known: _Known, places: Places) -> Iterator[Finding]:
    kind, _, _ = policy.scope.partition(":")
    tree = known.scopes
    meant = "" if kind in _SCOPES or policy.scope in tree else nearest(kind, _SCOPES, few=0)
    if meant and len(tree) == 1:
        message = f"scope {policy.scope!r} is of no kind that is known; only its own intents match"
        yield places.warn(message, "policies", at, "scope", hint=meant)
    if kind in ("pool", "identity", "agent") or len(tree) == 1 or policy.scope.endswith("*"):
        return
    patterns = [one[:-1] for one in tree if one.endswith("*")]
    if policy.scope not in tree and not any(policy.scope.startswith(one) for one in patterns):
        message = f"scope {policy.scope!r} is not in the tree of scopes; only its own intents match"
        hint = known.guesses.nearest(policy.scope, tree)
        yield places.warn(message, "policies", at, "scope", hint=hint)


def _of_rules(policy: PolicyConfig) -> Iterator[tuple[str, str, tuple[Step, ...]]]:
    for index, rule in enumerate(policy.rules):
        where: tuple[Step, ...] = ("rules", index)
        form = formula(rule.condition)
        for variable, _, _, literal in () if form is None else form.comparisons():
            if variable in _KINDS and isinstance(literal, str) and literal:
                yield _KINDS[variable], literal, (*where, "condition")
        for kind, name in _of_params(rule.action, rule.params):
            yield kind, name, (*where, "params")


def _of_params(action: str, params: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Names among the parameters of the built-in actions."""
    to = params.get("to")
    if action == "switch":
        yield from (("identity", str(one)) for one in to or ())
    if action == "degrade" and isinstance(to, str):
        yield "workload", to
    if action in ("route", "cost_efficiency"):
        pools = [target.get("pool") for target in to or () if isinstance(target, dict)]
        for pool in (*pools, params.get("pool")):
            if isinstance(pool, str) and "/" in pool:
                yield "pool", pool
