"""``{variables}`` and ``{functions}``: what conditions may name and call, from the code itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from ratelord_core import plugins
from ratelord_core.policy.function import ConditionFunction
from ratelord_core.policy.variables import VARIABLES


def variables_markdown() -> str:
    """The table of all variables."""
    rows = [f"| `{v.name}` | {v.kind} | {v.unit} | {v.doc} |" for v in VARIABLES.values()]
    return "\n".join(["| name | type | unit | what it is |", "|---|---|---|---|", *rows])


def functions_markdown(functions: Iterable[ConditionFunction] | None = None) -> str:
    """The table of these functions, else of those that the installed plugins offer."""
    offered = plugins.load().things("ratelord_register_condition_functions")
    known = sorted(offered if functions is None else functions, key=lambda one: one.name)
    rows = [f"| `{one.signature}` | {one.doc} |" for one in known]
    return "\n".join(["| function | what it gives |", "|---|---|", *rows])


class _Table(SphinxDirective):
    def _shown(self, markdown: str) -> list[nodes.Node]:
        holder = nodes.container()
        lines = StringList(markdown.splitlines(), source="conditions")
        self.state.nested_parse(lines, self.content_offset, holder)
        return holder.children


class Variables(_Table):
    """The table of variables."""

    def run(self) -> list[nodes.Node]:
        """The table."""
        return self._shown(variables_markdown())


class Functions(_Table):
    """The table of functions."""

    def run(self) -> list[nodes.Node]:
        """The table."""
        return self._shown(functions_markdown())


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the directives known to Sphinx."""
    app.add_directive("variables", Variables)
    app.add_directive("functions", Functions)
    return {"parallel_read_safe": True}
