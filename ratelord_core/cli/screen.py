"""How verbs print: tables and sentences for people, JSON for machines; colour on a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 200
"""Columns when nobody looks: wide enough that a table keeps one row a line."""

LEVEL_STYLES = {
    "ok": "green",
    "healthy": "green",
    "active": "green",
    "loaded": "green",
    "warn": "yellow",
    "warning": "yellow",
    "degraded": "yellow",
    "quarantined": "yellow",
    "initializing": "yellow",
    "left out": "dim",
    "unknown": "dim",
    "critical": "red",
    "open": "red",
    "revoked": "red",
    "broken": "red",
    "read_only": "red",
}


def console() -> Console:
    """Standard output as it is now; plain and wide if it is not a terminal."""
    from rich.console import Console

    terminal = sys.stdout.isatty()
    return Console(
        file=sys.stdout,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=True,
        width=None if terminal else PIPE_WIDTH,
    )


def say(text: str, style: str | None = None) -> None:
    """One line for people."""
    console().print(text, style=style)


def hint(text: str) -> None:
    """What to type next: only when somebody looks, and not where a pipe reads."""
    if sys.stdout.isatty() and sys.stderr.isatty():
        from rich.console import Console

        Console(file=sys.stderr, highlight=False, markup=False).print(text, style="dim")


def print_json(value: Any) -> None:
    """The wire form, indented."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def print_json_line(value: Any) -> None:
    """The wire form on one line, at once."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[str] = ()
) -> None:
    """Rows under headings; ``right`` columns are aligned to the right, levels get their colour."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    ends = set(right)
    for column in columns:
        table.add_column(
            column, justify="right" if column in ends else "left", no_wrap=not sys.stdout.isatty()
        )
    for row in rows:
        table.add_row(*(Text(cell, style=LEVEL_STYLES.get(cell, "")) for cell in row))
    console().print(table)
