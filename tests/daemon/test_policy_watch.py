"""The policy file is read again when it changed, once it is written in full."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from ratelord_core.daemon.policy_watch import PolicyWatch, digest_of


class Reader:
    """Reads the file when it is told to, as the daemon does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.digest = digest_of(path.read_bytes())
        self.read: list[bytes] = []

    async def reload(self) -> None:
        self.read.append(self.path.read_bytes())
        self.digest = digest_of(self.read[-1])


def watched(tmp_path: Path) -> tuple[Path, Reader, PolicyWatch]:
    path = tmp_path / "policy.yaml"
    path.write_bytes(b"{}")
    reader = Reader(path)
    return path, reader, PolicyWatch(path, lambda: reader.digest, reader.reload)


def look(watch: PolicyWatch, times: int = 1) -> list[bool]:
    return [asyncio.run(watch.look()) for _ in range(times)]


def test_a_change_is_read_once_it_has_lasted_from_one_look_to_the_next(tmp_path: Path) -> None:
    path, reader, watch = watched(tmp_path)
    assert look(watch, 2) == [False, False]
    path.write_bytes(b"settings: {}")
    assert look(watch, 4) == [False, True, False, False]
    assert reader.read == [b"settings: {}"]


def test_a_file_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    path, reader, watch = watched(tmp_path)
    for length in range(1, 12):
        path.write_bytes(b"settings: {}"[:length])
        assert look(watch) == [False]
    path.write_bytes(b"settings: {}")
    assert look(watch, 2) == [False, True]
    assert reader.read == [b"settings: {}"]


def test_a_file_that_was_replaced_in_one_go_is_read_even_if_it_looks_as_old(tmp_path: Path) -> None:
    path, reader, watch = watched(tmp_path)
    other = tmp_path / "new.yaml"
    other.write_bytes(b"[]")
    times = path.stat()
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(path)
    assert look(watch, 2) == [False, True]
    assert reader.read == [b"[]"]


def test_a_file_that_was_only_touched_or_read_by_others_already_is_not_read_again(
    tmp_path: Path,
) -> None:
    path, reader, watch = watched(tmp_path)
    os.utime(path, ns=(1, 1))
    assert look(watch, 3) == [False] * 3
    path.write_bytes(b"units: {}")
    asyncio.run(reader.reload())
    assert look(watch, 3) == [False] * 3
    assert reader.read == [b"units: {}"]


def test_a_file_that_goes_away_changes_nothing_until_it_is_back(tmp_path: Path) -> None:
    path, reader, watch = watched(tmp_path)
    path.unlink()
    assert look(watch, 3) == [False] * 3
    path.write_bytes(b"units: {}")
    assert look(watch, 3) == [False, True, False]
    assert reader.read == [b"units: {}"]
