"""A plugin's project on disk, made from the templates that come with the program."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from ratelord_core.cli.outcome import USAGE, CommandFailed
from ratelord_core.cli.scaffold.kinds import KINDS, Kind

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 40
_SUFFIX = ".tmpl"
_PACKAGE = "__package__"
_USE = "USE.md"
"""What a kind's README says of using it; becomes a part of the common one."""


def write(name: str, kind: str, into: Path) -> list[Path]:
    """Write a project below ``into``; returns its files. Raises ``CommandFailed`` for a name that
    cannot be one, and rather than write over anything."""
    words = _words(_checked(name), KINDS[kind])
    root = into / words["dist"]
    if root.exists():
        raise CommandFailed(f"{root} is there already; choose another name, or --into elsewhere")
    own = _templates(kind)
    words["use"] = _filled(own.pop(_USE), words).rstrip()
    written = []
    for place, text in sorted({**_templates("project"), **own}.items()):
        file = root / place.replace(_PACKAGE, words["package"])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_filled(text, words), encoding="utf-8")
        written.append(file)
    return written


def _checked(name: str) -> str:
    plain = name.removeprefix("ratelord-")
    if not _NAME.fullmatch(plain) or len(plain) > _LONGEST or keyword.iskeyword(plain):
        raise CommandFailed(
            f"{name!r} cannot be a plugin's name; take lower-case words joined by hyphens, "
            f"at most {_LONGEST} characters, such as acme-cloud",
            USAGE,
        )
    return plain


def _words(name: str, kind: Kind) -> dict[str, str]:
    snake = name.replace("-", "_")
    return {
        "name": name,
        "snake": snake,
        "package": f"ratelord_{snake}",
        "dist": f"ratelord-{name}",
        "Class": "".join(part.capitalize() for part in name.split("-")),
        "CAPS": snake.upper(),
        "hook": kind.hook,
        "description": kind.description.format(name=name),
        "dependencies": _quoted(kind.needs),
        "test_dependencies": _quoted(kind.tests_need),
    }


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _filled(text: str, words: Mapping[str, str]) -> str:
    return Template(text).substitute(words)


def _templates(group: str) -> dict[str, str]:
    """Texts by their place in a project."""
    root = files("ratelord_core.cli.scaffold") / "templates" / group
    return dict(_walk(root, ""))


def _walk(folder: Traversable, place: str) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{place}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            yield place + entry.name.removesuffix(_SUFFIX), entry.read_text(encoding="utf-8")
