"""``{hook} NAME``: a hook's signature, its docstring, and the built-ins that implement it."""

from __future__ import annotations

import inspect
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from ratelord_core import hookspecs, plugins


def markdown_of(hook: str) -> str:
    """What the page shows for a hook; an unknown one is an ``AttributeError``."""
    function = getattr(hookspecs, hook)
    users = [f"`{info.name}`" for info in plugins.load().listed if hook in info.hooks]
    return "\n".join(
        [
            "```text",
            f"def {hook}{inspect.signature(function)}",
            "```",
            "",
            inspect.getdoc(function) or "",
            "",
            f"Implemented by: {', '.join(users)}.",
        ]
    )


class Hook(SphinxDirective):
    """The directive."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The hook's paragraphs."""
        section = nodes.container(classes=["hook"])
        lines = StringList(markdown_of(self.arguments[0]).splitlines(), source="hookspecs.py")
        self.state.nested_parse(lines, self.content_offset, section)
        return section.children


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the directive known to Sphinx."""
    app.add_directive("hook", Hook)
    return {"parallel_read_safe": True}
