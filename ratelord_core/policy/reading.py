"""One reading of a policy file: its text, and everything that was found wrong with it."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import yaml

from ratelord_core.errors import Finding
from ratelord_core.policy.action import Naming, PolicyAction
from ratelord_core.policy.condition import Conditions


def nearest(name: str, known: Collection[str], *, few: int = 12) -> str:
    """A hint towards the name that was probably meant; the whole list if it is short."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    if 0 < len(known) <= few:
        return "known: " + ", ".join(sorted(known))
    return ""


class Guesses:
    """Hints towards the names that were meant, until they have cost enough: thousands of mistakes,
    each compared with thousands of names, would take minutes."""

    def __init__(self, comparisons: int = 50_000) -> None:
        self._left = comparisons

    def nearest(self, name: str, known: Collection[str]) -> str:
        """As ``nearest``; "" if there were too many already."""
        self._left -= len(known)
        return nearest(name, known) if self._left >= 0 else ""


class Mention(NamedTuple):
    """A place that names something which is known only when the whole file has been read."""

    node: yaml.Node
    path: str
    kind: str
    name: str


class Reading:
    """What the sections of the reader share. Findings are collected, never raised midway."""

    def __init__(
        self,
        text: str,
        actions: Mapping[str, PolicyAction[Any]],
        plugins: Collection[str],
        conditions: Conditions,
        models: Collection[str] = (),
    ) -> None:
        self.text = text
        self.actions = actions
        self.naming = {name: one for name, one in actions.items() if isinstance(one, Naming)}
        self.plugins = plugins
        self.conditions = conditions
        self.models = models
        self.findings: list[Finding] = []
        self.mentioned: list[Mention] = []
        self.guesses = Guesses()

    def found(self, node: yaml.Node, path: str, message: str, hint: str = "") -> None:
        """Something is wrong with this node."""
        mark = node.start_mark
        self.findings.append(Finding(message, mark.line + 1, mark.column + 1, path, hint))

    def check_mentioned(self, known: Mapping[str, Collection[str]]) -> None:
        """What is mentioned and not among the known names of its kind is a finding."""
        # Who owns the caps of rules sells nothing: no hint names it.
        meant = {**known, "provider": [one for one in known["provider"] if one != "policy"]}
        for node, path, kind, name in self.mentioned:
            if name not in known[kind]:
                message = f"no {kind} is called {name!r}"
                self.found(node, path, message, self.guesses.nearest(name, meant[kind]))

    def found_inside(
        self, node: yaml.ScalarNode, offset: int, path: str, message: str, hint: str = ""
    ) -> None:
        """Something is wrong at a character of this scalar's value."""
        line, column = self.place(node, offset)
        self.findings.append(Finding(message, line, column, path, hint))

    def place(self, node: yaml.ScalarNode, offset: int) -> tuple[int, int]:
        """Line and column (1-based) in the file of a character of a scalar's value.

        Walks the scalar as written and as read side by side: quotes, escapes, folded line ends and
        indentation are in the one and not in the other.
        """
        at = _Walk(self.text, node).find(offset)
        line_start = self.text.rfind("\n", 0, at) + 1
        return self.text.count("\n", 0, at) + 1, at - line_start + 1


class _Walk:
    def __init__(self, text: str, node: yaml.ScalarNode) -> None:
        self._text = text
        self._value = str(node.value)
        self._style = node.style or ""
        self._at = node.start_mark.index
        self._end = node.end_mark.index
        if self._style in ("|", ">"):
            header_end = text.find("\n", self._at)
            self._at = header_end + 1 if header_end >= 0 else self._end
        elif self._style in ("'", '"'):
            self._at += 1

    def find(self, offset: int) -> int:
        for char in self._value[:offset]:
            self._skip_to(char)
            self._step(char)
        if offset < len(self._value):
            self._skip_to(self._value[offset])
        return min(self._at, self._end)

    def _skip_to(self, char: str) -> None:
        """Past indentation and line ends that the value does not have."""
        if char.isspace():
            return
        text, escaped = self._text, self._style == '"'
        while self._at < self._end:
            if text[self._at].isspace():
                self._at += 1
            elif escaped and text[self._at : self._at + 2] == "\\\n":
                self._at += 2
            else:
                return

    def _step(self, char: str) -> None:
        text, here = self._text, self._at
        if self._style == '"' and text[here : here + 1] == "\\":
            self._at += 2 + {"x": 2, "u": 4, "U": 8}.get(text[here + 1 : here + 2], 0)
        elif self._style == "'" and text[here : here + 2] == "''":
            self._at += 2
        elif not char.isspace() or text[here : here + 1].isspace():
            self._at += 1
