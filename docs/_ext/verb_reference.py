"""``{verbs}``: every verb of the command line with its arguments, from the functions themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cyclopts import App
from cyclopts.argument import Argument
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from ratelord_core.cli.app import build
from ratelord_core.cli.help_page import worth_saying


def verbs_of(app: App, before: str = "") -> Iterator[tuple[str, App]]:
    """Every verb that does something, with its full name, in the order of its name."""
    for name in sorted(set(app)):
        verb = app[name]
        if name.startswith("-") or not verb.show:
            continue
        full = f"{before} {name}".strip()
        if verb.default_command is not None:
            yield full, verb
        yield from verbs_of(verb, full)


def markdown_of(name: str, verb: App) -> str:
    """A verb: what it does, and its arguments as a table."""
    arguments = list(_arguments(verb))
    usage = " ".join(
        [f"ratelord {name}", *(_placeholder(each) for each in arguments if _bare(each))]
    )
    lines = [f"## `{usage}`", "", _said(verb), ""]
    if arguments:
        lines += ["| argument | what it does |", "|---|---|", *map(_row, arguments), ""]
    return "\n".join(lines)


def _arguments(verb: App) -> Iterator[Argument]:
    for argument in verb.assemble_argument_collection(parse_docstring=True):
        if argument.parameter.parse is not False and not argument.children:
            yield argument


def _said(verb: App) -> str:
    summary, _, rest = (verb.default_command.__doc__ or "").partition("\n")
    body = rest.partition("Parameters\n")[0]
    return "\n".join([summary, *(line.strip() for line in body.splitlines())]).strip()


def _bare(argument: Argument) -> bool:
    return not argument.name.startswith("-")


def _placeholder(argument: Argument) -> str:
    return argument.name if argument.required else f"[{argument.name}]"


def _row(argument: Argument) -> str:
    names = ", ".join(f"`{name}`" for name in argument.names)
    said = " ".join((argument.parameter.help or "").split()).replace("|", "or")
    choices = argument.get_choices()
    listed = f" One of {', '.join(f'`{choice}`' for choice in choices)}." if choices else ""
    default = None if argument.required else worth_saying(argument.field_info.default)
    else_ = f" Default: `{default}`." if default else ""
    return f"| {names} | {said}{listed}{else_} |"


class Verbs(SphinxDirective):
    """The directive."""

    def run(self) -> list[nodes.Node]:
        """One section a verb."""
        found: list[nodes.Node] = []
        for name, verb in verbs_of(build()):
            section = nodes.section(ids=[nodes.make_id(f"ratelord {name}")])
            title, *body = markdown_of(name, verb).splitlines()
            section += nodes.title("", "", nodes.literal(text=title.strip("# `")))
            lines = StringList(body, source="ratelord_core/cli")
            self.state.nested_parse(lines, self.content_offset, section)
            found.append(section)
        return found


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the directive known to Sphinx."""
    app.add_directive("verbs", Verbs)
    return {"parallel_read_safe": True}
