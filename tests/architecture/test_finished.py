"""What is there is done: nothing stands for work that somebody still has to do."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    file
    for room in ("ratelord_core", "ratelord_mcp", "plugins", "sdk/python", "sim")
    for file in (ROOT / room).rglob("*.py")
)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
SILENCED = re.compile(r"(type:\s*ignore|noqa|pragma:\s*no cover)(\[[^\]]*\]|:\s*[A-Z0-9, ]+)?(.*)$")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_no_file_says_that_it_is_unfinished(file: Path) -> None:
    text = file.read_text(encoding="utf-8")

    assert "NotImplementedError" not in text
    assert not [comment for comment in _comments(text) if UNFINISHED.search(comment)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_silenced_check_says_why(file: Path) -> None:
    unexplained = [
        comment
        for comment in _comments(file.read_text(encoding="utf-8"))
        if (found := SILENCED.search(comment)) and len(found[3].strip(" #:;-")) < 8
    ]

    assert not unexplained


def _comments(text: str) -> Iterator[str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return (token.string for token in tokens if token.type == tokenize.COMMENT)
