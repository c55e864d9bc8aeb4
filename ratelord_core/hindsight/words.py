"""A backtest in words: what every reader of it is told first."""

from __future__ import annotations

from typing import Any, Final

from ratelord_core.model.money import dollars

MEANING: Final = {
    "denied": "would have been denied",
    "approved": "would have been let through",
    "routed": "would have been done in another way",
    "delayed": "would have started later",
    "sooner": "would have started sooner",
    "otherwise": "would have been denied for another reason",
}
"""Kinds of change, in words."""
HEADINGS: Final = {
    "agent_id": "Agents",
    "identity_id": "Identities",
    "workload_id": "Workloads",
    "scope_id": "Scopes",
}


def lead(found: dict[str, Any]) -> str:
    """The whole in one sentence."""
    asked, changed = found["questions"], found["changed"]
    if not changed:
        return f"None of {asked:,} questions would have been answered otherwise."
    share = f"{changed:,} of {asked:,} questions ({100 * changed / asked:.1f} %)"
    return f"{share} would have been answered otherwise."


def sides(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Totals before and after, as (what, before, after)."""
    before, after = found["before"], found["after"]
    rows = [
        ("approved as asked", "approved", "{:,}"),
        ("approved with changes", "modified", "{:,}"),
        ("denied", "denied", "{:,}"),
    ]
    told = [(what, form.format(before[key]), form.format(after[key])) for what, key, form in rows]
    waits = (waited(before["waited_seconds"]), waited(after["waited_seconds"]))
    told.append(("waited, all together", *waits))
    for what, key in _MONEY:
        if before[key] or after[key]:
            told.append((what, dollars(before[key]), dollars(after[key])))
    dry = [sum(pool[key] for pool in found["pools"]) for key in _DRY]
    told.append(("times that a pool ran dry", f"{dry[0]:,}", f"{dry[1]:,}"))
    return told


_MONEY: Final = (
    ("cost, as foreseen", "expected_cost_microusd"),
    ("spent, as reported", "cost_microusd"),
)
_DRY: Final = ("exhaustions_before", "exhaustions_after")


def waited(seconds: float) -> str:
    """A sum of waits: ``2.5 s``, ``3.2 min``, ``4.1 h``."""
    for size, name in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {name}"
    return f"{seconds:.3g} s"


def answered(side: dict[str, Any]) -> str:
    """One answer in a few words."""
    rule = f" by {side['rule']}" if side.get("rule") else ""
    if side["decision"] == "deny_with_reason":
        return f"denied ({side['reason_code']}){rule}"
    changes = [f"{name} {_shown(value)}" for name, value in side.get("modifications", {}).items()]
    if side.get("wait_seconds"):
        changes.insert(0, f"wait {waited(side['wait_seconds'])}")
    if not changes:
        return "approved"
    why = "" if rule or side["reason_code"] == "ok" else f" ({side['reason_code']})"
    return f"approved, {', '.join(changes)}{why}{rule}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "/".join(str(each) for each in value.values() if each)
    return str(value)
