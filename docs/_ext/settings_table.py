"""``{settings}``: every setting with its variable and default, from the class itself."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from pydantic.fields import FieldInfo
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from ratelord_core.settings import Settings


def markdown_of(settings: type[Settings]) -> str:
    """The table of all fields."""
    prefix = settings.model_config.get("env_prefix", "")
    lines = ["| variable | default | what it does |", "|---|---|---|"]
    lines += [_row(prefix, name, field) for name, field in settings.model_fields.items()]
    return "\n".join(lines)


def _row(prefix: str, name: str, field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True, validated_data={})
    shown = "" if default in (None, "", ()) else f"`{_readable(default)}`"
    said = " ".join((field.description or "").split()).replace("|", "or")
    return f"| `{prefix}{name.upper()}` | {shown} | {said} |"


def _readable(default: object) -> str:
    if isinstance(default, Path):  # whose pages these are built for is not known
        return str(default).replace(str(Path.home()), "~")
    return str(default).lower() if isinstance(default, bool) else str(default)


class SettingsTable(SphinxDirective):
    """The directive; its argument, ``module:Class``, names other settings than the daemon's own."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The table."""
        holder = nodes.container()
        module, _, name = (self.arguments or ["ratelord_core.settings:Settings"])[0].partition(":")
        settings = getattr(importlib.import_module(module), name)
        lines = StringList(markdown_of(settings).splitlines(), source="settings.py")
        self.state.nested_parse(lines, self.content_offset, holder)
        return holder.children


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the directive known to Sphinx."""
    app.add_directive("settings", SettingsTable)
    return {"parallel_read_safe": True}
