"""``{events}``: every event type with its payload's fields, from the records themselves."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from ratelord_core.events.catalogue import CATALOGUE
from ratelord_core.events.payloads import Payload


def markdown_of(kind: type[Payload]) -> str:
    """An event type's section."""
    fields = msgspec.structs.fields(kind)
    lines = [f"## `{kind.event_type}`", "", inspect.getdoc(kind) or "", ""]
    if fields:
        lines += ["| field | type | default |", "|---|---|---|"]
        lines += [_row(field) for field in fields]
    return "\n".join([*lines, "", f"Schema version {kind.schema_version}.", ""])


def _row(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        default = "required"
    elif field.default is not msgspec.NODEFAULT:
        default = f"`{field.default!r}`"
    else:
        default = "empty"
    return f"| `{field.name}` | `{_type_name(field.type)}` | {default} |"


def _type_name(kind: Any) -> str:
    text = inspect.formatannotation(kind)
    for module in ("ratelord_core.model.", "ratelord_core.events.", "typing."):
        text = text.replace(module, "")
    return text.replace("|", "or")


class Events(SphinxDirective):
    """The directive."""

    def run(self) -> list[nodes.Node]:
        """A section for each event type, in the order of the catalogue."""
        text = "\n".join(markdown_of(kind) for kind in CATALOGUE.values())
        holder = nodes.section()
        holder.document = self.state.document
        lines = StringList(text.splitlines(), source="payloads.py")
        self.state.nested_parse(lines, self.content_offset, holder, match_titles=True)
        return holder.children


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the directive known to Sphinx."""
    app.add_directive("events", Events)
    return {"parallel_read_safe": True}
