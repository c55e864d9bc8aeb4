"""Solves the small symmetric systems that fitting leaves, without a numerical library.

Ten to fifteen unknowns take some tens of µs, and every machine gets the same digits, so a replay
elsewhere finds the same forecasts.
"""

from __future__ import annotations

from math import sqrt

_LEAST = 1e-12


def solve(lower: list[list[float]], right: list[float]) -> list[float]:
    """The x of A·x = ``right`` for a symmetric, positive A given by its lower triangle.

    By Cholesky's factorisation; ``lower`` is overwritten. A pivot that rounding made too small is
    raised to one that keeps the answer finite.
    """
    found = list(right)
    for i, line in enumerate(lower):
        for j in range(i):
            other = lower[j]
            rest = line[j]
            for k in range(j):
                rest -= line[k] * other[k]
            line[j] = rest / other[j]
        pivot = line[i]
        for k in range(i):
            pivot -= line[k] * line[k]
        line[i] = sqrt(max(pivot, _LEAST))
        rest = found[i]
        for k in range(i):
            rest -= line[k] * found[k]
        found[i] = rest / line[i]
    for i in range(len(found) - 1, -1, -1):
        rest = found[i]
        for k in range(i + 1, len(found)):
            rest -= lower[k][i] * found[k]
        found[i] = rest / lower[i][i]
    return found
