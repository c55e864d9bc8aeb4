"""Conditions that never hold, that always hold, or that have no value for most askers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ratelord_core.errors import Finding
from ratelord_core.model.config import Document, RuleConfig
from ratelord_core.policy import lexer
from ratelord_core.policy.condition import Conditions
from ratelord_core.policy.lint.formula import Formula, formula
from ratelord_core.policy.lint.places import Places
from ratelord_core.policy.lint.points import verdict, words_of
from ratelord_core.policy.reading import nearest

_PLAIN = {"true", "false"}
_LABEL = re.compile(
    r"\b(agent|identity)\.labels\.(\w+)|\b(agent|identity)\.labels\[(['\"])(.+?)\4\]"
)


def look(document: Document, places: Places) -> Iterator[Finding]:
    """Every suspicious condition."""
    for at, policy in enumerate(document.policies):
        for index, rule in enumerate(policy.rules):
            for message, hint in _faults(rule):
                path = ("policies", at, "rules", index, "condition")
                yield places.warn(f"condition of rule {rule.name!r} {message}", *path, hint=hint)


def _faults(rule: RuleConfig) -> Iterator[tuple[str, str]]:
    form = formula(rule.condition)
    strange = list(_strange_words(form)) if form else []
    yield from strange
    held = constant(rule.condition)
    if held is False and not strange:
        yield "never holds", "the rule does nothing; mend or remove it"
    if held is True and rule.condition.strip() != "true":
        yield "always holds", "leave it out, or say what it should depend on"
    yield from _labels(rule.condition)


def constant(condition: str) -> bool | None:
    """True if it always holds, False if it never does, None if that depends or cannot be told: it
    names what could change and is more than comparisons."""
    held = verdict(condition)
    if held is not None:
        return held
    named = {word.name for word in lexer.words(lexer.to_cel(condition))}
    if named - _PLAIN:
        return None
    return Conditions().compile(condition).constant


def _strange_words(form: Formula) -> Iterator[tuple[str, str]]:
    """Texts that a variable never holds."""
    for name, _, _, literal in form.comparisons():
        known = words_of(name)
        if known and isinstance(literal, str) and literal not in known:
            message = f"compares {name} with {literal!r}, which it never is"
            yield message, nearest(literal, known)


def _labels(condition: str) -> Iterator[tuple[str, str]]:
    """Labels that are read without asking whether they are there: who has none is denied."""
    written = lexer.to_cel(condition)
    for match in _LABEL.finditer(written):
        whose, label = match[1] or match[3], match[2] or match[5]
        asked = re.search(rf"(['\"]){re.escape(label)}\1\s+in\s+{whose}\.labels", written)
        if asked is None and f"has({whose}.labels.{label})" not in written:
            hint = f"ask first: '{label}' in {whose}.labels && …"
            yield f"has no value, and so denies, where the {whose} has no label {label!r}", hint
