"""Where scenarios are found: those that are shipped, and those on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ratelord_core.errors import RatelordError
from ratelord_core.policy.reading import nearest

SUFFIXES = (".yaml", ".yml", ".json")


def shipped_folder() -> Path:
    """The folder of the shipped scenarios: in the package, or beside it in a checkout."""
    inside = Path(__file__).parent / "scenarios"
    return inside if inside.is_dir() else Path(__file__).parents[1] / "scenarios"


def shipped() -> dict[str, Path]:
    """The shipped scenarios by their short names."""
    return {file.stem: file for file in _scenarios_in(shipped_folder())}


def find(names: Iterable[str]) -> list[Path]:
    """The files that these paths, folders and short names (or unique beginnings of them, such as
    ``s01``) stand for; all that are shipped, if there are none. Raises ``RatelordError`` naming
    what is not there."""
    wanted = list(names)
    if not wanted:
        return list(shipped().values())
    return [file for name in wanted for file in _files_of(name)]


def _files_of(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        found = list(_scenarios_in(path))
        if not found:
            raise RatelordError(f"{path}: no scenario in this folder; they end in .yaml or .json")
        return found
    if path.is_file():
        return [path]
    known = shipped()
    if name in known:
        return [known[name]]
    begun = [file for stem, file in known.items() if stem.lower().startswith(name.lower())]
    if begun:
        return begun
    hint = nearest(name, known) or "ratelord-sim list shows what is shipped"
    raise RatelordError(f"there is no scenario {name!r}, neither a file nor shipped; {hint}")


def _scenarios_in(folder: Path) -> Iterator[Path]:
    yield from sorted(file for file in folder.iterdir() if file.suffix in SUFFIXES)
