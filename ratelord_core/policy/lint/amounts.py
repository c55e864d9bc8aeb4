"""Amounts that do not say of what, and money from which nothing will ever be drawn."""

from __future__ import annotations

from collections.abc import Iterator

from ratelord_core.errors import Finding
from ratelord_core.model.config import Document
from ratelord_core.model.pool import MONEY
from ratelord_core.policy.lint.places import Places
from ratelord_core.policy.reading import nearest


def look(document: Document, places: Places) -> Iterator[Finding]:
    """Every limit without a unit, every budget without prices, every price of nobody."""
    yield from _units(document, places)
    yield from _budgets(document, places)
    known = {one.id for one in document.providers}
    known |= {pool.provider_id for pool in document.pools} - {"policy"}
    for provider in document.pricing if known else ():
        if provider not in known:
            message = f"prices of {provider!r}, which is no provider and has no pool"
            yield places.warn(message, "pricing", provider, hint=nearest(provider, known))


def _units(document: Document, places: Places) -> Iterator[Finding]:
    hint = "write unit: requests, or what it is"
    for pool in document.pools:
        if pool.provider_id == "policy":  # the limits of policies, and the caps of their rules
            continue
        at = places.index("pools", pool.key)
        if pool.limit is None or places.has("pools", at, "unit"):
            continue
        if pool.provider_id not in document.units:
            message = f"pool {pool.key!r} has no unit; it counts requests"
            yield places.warn(message, "pools", at, hint=hint)
    for at, policy in enumerate(document.policies):
        if policy.limit is None or places.has("policies", at, "limit", "unit"):
            continue
        message = f"limit {policy.limit} of policy {policy.id!r} has no unit; it counts requests"
        if policy.limit_window is None:
            message += " and never refills"
        example = f"write {{amount: {policy.limit}, unit: requests, window: …}}"
        yield places.warn(message, "policies", at, "limit", hint=example)


def _budgets(document: Document, places: Places) -> Iterator[Finding]:
    if any(document.pricing.values()):
        return
    drawn = {pool for work in document.topology.workloads.values() for pool in work.consumes}
    message = "counts money, but there are no prices: nothing will be drawn from it"
    hint = "add a section pricing, or say what a workload consumes of it"
    for pool in document.pools:
        if pool.unit == MONEY and pool.key not in drawn and pool.provider_id != "policy":
            at = places.index("pools", pool.key)
            yield places.warn(f"pool {pool.key!r} {message}", "pools", at, hint=hint)
    for at, policy in enumerate(document.policies):
        if policy.limit is not None and policy.limit_unit == MONEY:
            said = f"the limit of policy {policy.id!r} {message}"
            yield places.warn(said, "policies", at, "limit", hint=hint)
        for index, rule in enumerate(policy.rules):
            if rule.action == "budget_cap":
                path = ("policies", at, "rules", index)
                yield places.warn(f"rule {rule.name!r} {message}", *path, hint=hint)
