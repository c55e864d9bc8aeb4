"""A verb that a plugin adds to the command line, known by name before its code is loaded."""

from __future__ import annotations

from typing import Literal

import msgspec

VerbGroup = Literal["Start", "Ask", "Look", "Administer"]
"""The headings of ``ratelord --help``."""


class Verb(msgspec.Struct, frozen=True):
    """``target`` is ``module:attribute``: a function, or a ``cyclopts.App`` of the same name.

    It is imported when the verb is typed, so that the help of all other verbs stays quick. A
    function returns its exit code; what it raises becomes one line on standard error.
    """

    name: str
    help: str
    target: str
    group: VerbGroup = "Administer"
