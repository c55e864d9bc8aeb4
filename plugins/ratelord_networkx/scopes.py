"""The tree of scopes: from where an action happens up to ``global``."""

from __future__ import annotations

from collections.abc import Mapping

from ratelord_core.model.ids import ROOT_SCOPE
from ratelord_networkx.patterns import PatternTable


class ScopeTree:
    """Knows every scope's parent; a scope that nobody declared hangs directly below ``global``."""

    def __init__(self, parents: Mapping[str, str]) -> None:
        self._parents = PatternTable(parents)

    def parent(self, scope: str) -> str:
        """The scope above. A pattern does not apply to its own parent: ``org:*: org:all`` puts
        ``org:all`` below ``global``, not below itself."""
        for parent in self._parents.every(scope):
            if parent != scope:
                return parent
        return ROOT_SCOPE

    def chain(self, scope: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The scope, its ancestors, ``global``; and a warning if the declared tree has a cycle."""
        chain: list[str] = []
        at = scope
        while at != ROOT_SCOPE:
            if at in chain:
                cycle = " → ".join([*chain[chain.index(at) :], at])
                warning = f"the scopes {cycle} contain each other; the cycle is cut below global"
                return (*chain, ROOT_SCOPE), (warning,)
            chain.append(at)
            at = self.parent(at)
        return (*chain, ROOT_SCOPE), ()
