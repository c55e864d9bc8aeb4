"""What is valid in a policy file and most likely not meant: found before it is in force."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from ratelord_core.errors import Finding
from ratelord_core.model.config import Document
from ratelord_core.policy.lint import amounts, conditions, hours, keeping, names, reach
from ratelord_core.policy.lint.formula import formula
from ratelord_core.policy.lint.places import Places
from ratelord_core.policy.lint.points import verdict

_CHECKS = (conditions.look, reach.look, hours.look, names.look, amounts.look, keeping.look)
MOST = 200
"""Suspicions that are named; who has more mends the first ones."""
_ENOUGH = 1_000
"""Suspicions of one kind after which no more are looked for."""


def lint(document: Document, text: str | bytes) -> tuple[Finding, ...]:
    """Everything suspicious about a valid document, in the order of the file, with severity
    ``warning``. ``text`` is what it was read from: it says where things stand."""
    places = Places(text)
    found: Iterable[Finding] = (
        one for check in _CHECKS for one in islice(check(document, places), _ENOUGH)
    )
    try:
        ordered = sorted(dict.fromkeys(found), key=lambda one: (one.line, one.column, one.message))
    finally:
        formula.cache_clear()
        verdict.cache_clear()
    return tuple(ordered[:MOST])
