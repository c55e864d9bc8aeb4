"""``ratelord plugin new``: a project for a plugin of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from ratelord_core.cli.options import ADMINISTER, Json
from ratelord_core.cli.outcome import DONE
from ratelord_core.cli.scaffold.kinds import KINDS
from ratelord_core.cli.screen import hint, print_json, say


def register(app: App) -> None:
    """Add the verb."""
    verb = App(name="plugin", help="Begin a plugin of your own.", group=ADMINISTER)
    verb.command(new)
    app.command(verb)


def new(
    name: str,
    /,
    *,
    kind: Annotated[str, Parameter(validator=lambda _kind, value: _known(value))],
    into: Path = Path(),
    json: Json = False,
) -> int:
    """Write a small, complete project: an entry point, code, tests that pass, a README.

    Parameters
    ----------
    name
        What the plugin will be called, such as acme-cloud; the project becomes ratelord-acme-cloud.
    kind
        What it adds: action, behavior, controller, door, exporter, function, graph, model,
        provider, resource, store, tool, transport or verb.
    into
        The folder in which the project's folder is made.
    """
    from ratelord_core.cli.scaffold.project import write

    files = write(name, kind, into)
    root = into / files[0].relative_to(into).parts[0]
    if json:
        print_json({"project": str(root), "files": [str(file) for file in files]})
        return DONE
    say(f"Wrote {len(files)} files to {root}", "green")
    for file in files:
        say(f"  {file.relative_to(root)}")
    hint(f"next: cd {root} && python3 -m venv .venv && .venv/bin/pip install -e '.[test]'")
    hint("then: .venv/bin/pytest && .venv/bin/ratelord plugins")
    return DONE


def _known(kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"there is no kind {kind!r}; choose one of {', '.join(KINDS)}")
