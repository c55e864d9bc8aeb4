"""Tables of the simulator: keys of scenario files, metrics, behaviours, what is shipped."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import msgspec
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from ratelord_core import parts
from ratelord_core.model.instant import to_text
from ratelord_core.model.span import parse_span
from ratelord_sim import library
from ratelord_sim.measure.metrics import METRICS
from ratelord_sim.scenario import model
from ratelord_sim.scenario.keys import Key, keys_of
from ratelord_sim.scenario.reader import read_file

_SPANS = (("d", "1d"), ("h", "1h"), ("m", "1m"), ("s", "1s"), ("ms", "1ms"), ("us", "1us"))


def keys(record: str) -> str:
    """The keys of a record of ``ratelord_sim.scenario.model``."""
    kind = getattr(model, record)
    defaults = {field.name: field for field in msgspec.structs.fields(kind)}
    lines = ["| key | default | meaning |", "|---|---|---|"]
    for name, key in keys_of(kind).items():
        also = "".join(f" or `{other}`" for other in key.also)
        default = _default(defaults[name], key)
        lines.append(f"| `{name}`{also} | {default} | {key.about.replace('|', chr(92) + '|')} |")
    return "\n".join(lines)


def metrics() -> str:
    """Every metric that an invariant may name."""
    lines = ["| metric | what it is |", "|---|---|"]
    return "\n".join(lines + [f"| `{name}` | {metric.about} |" for name, metric in METRICS.items()])


def behaviors() -> str:
    """Every behaviour, with the first line of its docstring."""
    lines = ["| behaviour | when it asks |", "|---|---|"]
    for name, behavior in sorted(parts.load().behaviors.items()):
        about = (inspect.getdoc(type(behavior)) or "").splitlines()[0].replace("``", "`")
        lines.append(f"| `{name}` | {about} |")
    return "\n".join(lines)


def shipped() -> str:
    """Every shipped scenario, with its trouble."""
    loaded = parts.load()
    found = [(name, read_file(path, loaded)) for name, path in library.shipped().items()]
    return "\n".join(f"`{name}`\n: {one.description}\n" for name, one in found)


def _default(field: Any, key: Key) -> str:
    if key.need:
        return "required"
    value = field.default
    if value is msgspec.NODEFAULT:
        value = field.default_factory() if callable(field.default_factory) else ""
    if key.reads.__name__ in {"span", "long_span", "signed_span"} and value is not None:
        return f"`{_span(value)}`"
    if key.reads.__name__ == "instant":
        return f"`{to_text(value).replace('.000000', '')}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if value is None or value in ("", (), {}) or isinstance(value, msgspec.Struct | tuple | dict):
        return ""
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _span(value: int) -> str:
    for unit, one in _SPANS:
        size = parse_span(one)
        if value and value % size == 0:
            return f"{value // size}{unit}"
    return "0s"


class _Table(SphinxDirective):
    """Puts a generated table in the page."""

    optional_arguments = 1
    text: Callable[..., str]

    def run(self) -> list[nodes.Node]:
        section = nodes.container(classes=["scenario-reference"])
        lines = StringList(type(self).text(*self.arguments).splitlines(), source="ratelord_sim")
        self.state.nested_parse(lines, self.content_offset, section)
        return section.children


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the directives known to Sphinx."""
    for name, text in {
        "scenario-keys": keys, "metrics": metrics, "behaviors": behaviors, "shipped": shipped,
    }.items():  # fmt: skip
        app.add_directive(name, type(name, (_Table,), {"text": staticmethod(text)}))
    return {"parallel_read_safe": True}
