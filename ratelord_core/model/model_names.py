"""Names of language models: which of a list one belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable

_EDITION = re.compile(r"[-@](?:\d{4}-\d{2}-\d{2}|\d{3,8}|latest|preview)$")


def is_one_of(model: str, names: Iterable[str]) -> bool:
    """Whether a model is one of these: the same name, a dated edition of it
    (``gpt-x-2026-01-31``), or what a name that ends in ``*`` begins."""
    plain = without_edition(model)
    return any(
        model.startswith(name[:-1]) if name.endswith("*") else name in (model, plain)
        for name in names
    )


def without_edition(model: str) -> str:
    """The name without its date, number of edition or ``latest``, once."""
    return _EDITION.sub("", model)
