"""Changing a file that is somebody else's: all or nothing, with the file as it was beside it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

_BOM = "\ufeff"


class Change(msgspec.Struct, frozen=True):
    """What became of a file; ``backup`` is the file as it was, if there was one."""

    path: Path
    changed: bool
    backup: Path | None = None


def change(path: Path, edit: Callable[[str], str]) -> Change:
    """Put the edited text in the place of the file's, or make the file.

    A link stays a link. Raises ``ValueError`` with the path for what ``edit`` cannot read, and
    ``OSError``; the file is then as it was.
    """
    real = path.resolve()
    before = _read(real)
    try:
        after = edit((before or "").removeprefix(_BOM))
    except ValueError as error:
        raise ValueError(f"{path} is left as it is: {error}") from error
    if before is not None and after == before.removeprefix(_BOM):
        return Change(path, changed=False)
    backup = None if before is None else _backed_up(real)
    _replace(real, (_BOM if (before or "").startswith(_BOM) else "") + after)
    return Change(path, changed=True, backup=backup)


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is left as it is: it is not UTF-8 text") from None


def _backed_up(path: Path) -> Path:
    number = 0
    while True:
        backup = path.with_name(f"{path.name}.backup{number or ''}")
        try:
            with backup.open("xb") as copy:
                copy.write(path.read_bytes())
        except FileExistsError:
            number += 1
            continue
        shutil.copystat(path, backup)
        return backup


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, draft)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
