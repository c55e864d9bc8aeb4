"""Rules that are never looked at, because one before them ends the stack or the level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ratelord_core.errors import Finding
from ratelord_core.model.config import Document, PolicyConfig, RuleConfig
from ratelord_core.model.ids import ROOT_SCOPE
from ratelord_core.policy.lint.conditions import constant
from ratelord_core.policy.lint.places import Places
from ratelord_core.policy.lint.points import implies, verdict

_MOST_PAIRS = 50_000
_MOST_PARDONS = 50


class Standing(NamedTuple):
    """A rule and where it stands: its policy's place, its own, its policy."""

    at: int
    place: int
    policy: PolicyConfig
    rule: RuleConfig

    @property
    def order(self) -> tuple[int, int, int]:
        """Sorts the rules of a level."""
        return (-self.rule.priority, self.at, self.place)

    @property
    def label(self) -> str:
        """``policy/rule``."""
        return f"{self.policy.id}/{self.rule.name}"


def standings(document: Document) -> list[Standing]:
    """Every rule of a document."""
    return [
        Standing(at, index, policy, rule)
        for at, policy in enumerate(document.policies)
        for index, rule in enumerate(policy.rules)
    ]


def look(document: Document, places: Places) -> Iterator[Finding]:
    """Every rule that another one keeps from ever being looked at, or from ever mattering."""
    # What never holds hides nothing, and that it is never reached is the lesser news.
    rules = [one for one in standings(document) if constant(one.rule.condition) is not False]
    enders = [one for one in rules if _ends(one)]
    if len(enders) * len(rules) > _MOST_PAIRS:
        enders = enders[: max(1, _MOST_PAIRS // len(rules))]
    pardons = [one for one in rules if _pardons(one)]
    for one in rules:
        hiding = (ender for ender in enders if _hides(ender, one))
        before = next((ender for ender in hiding if not _spared(one, ender, pardons)), None)
        if before is not None:
            always = _always(before.rule)
            what = "is never reached" if always else "is shadowed"
            how = "always" if always else "wherever it holds,"
            does = "denies" if before.rule.action == "deny" else "approves"
            message = f"rule {one.label!r} {what}: {before.label!r} {how} {does} first"
            hint = "give it a higher priority, or narrow the other one"
            yield places.warn(message, "policies", one.at, "rules", one.place, hint=hint)


def _ends(one: Standing) -> bool:
    if one.rule.time_window is not None:
        return False
    return one.rule.action == "approve" or (one.rule.action == "deny" and one.policy.type == "hard")


def _hides(before: Standing, after: Standing) -> bool:
    if before is after or not covers(before.policy.scope, after.policy.scope):
        return False
    same_level = before.policy.scope != ROOT_SCOPE or after.policy.scope == ROOT_SCOPE
    if same_level and before.order >= after.order:
        return False
    if not same_level and before.rule.action != "deny":
        return False  # an approval ends its own level only
    if after.policy.scope.startswith("pool:") and not before.policy.scope.startswith("pool:"):
        return _always(before.rule)  # their conditions mean different pools
    return implies(after.rule.condition, before.rule.condition)


def _pardons(one: Standing) -> bool:
    return one.rule.action == "approve" and one.policy.scope == ROOT_SCOPE


def _spared(after: Standing, before: Standing, pardons: Sequence[Standing]) -> bool:
    """Whether an approval may end the level of ``before`` ahead of it, so that a rule of a lower
    level is looked at all the same."""
    if before.policy.scope != ROOT_SCOPE or after.policy.scope == ROOT_SCOPE:
        return False
    if len(pardons) > _MOST_PARDONS:
        return True
    return any(
        one.order < before.order
        and verdict(f"({one.rule.condition}) && ({after.rule.condition})") is not False
        for one in pardons
    )


def _always(rule: RuleConfig) -> bool:
    return rule.condition.strip() == "true" or verdict(rule.condition) is True


def covers(wide: str, narrow: str) -> bool:
    """Whether everything that a scope binds, another one binds as well, at its level or above."""
    if wide in (narrow, ROOT_SCOPE):
        return True
    return wide.endswith("*") and narrow.startswith(wide[:-1])
