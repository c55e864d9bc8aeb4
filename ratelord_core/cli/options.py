"""Options that several verbs share."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Group, Parameter

START = Group("Start", sort_key=1)
ASK = Group("Ask", sort_key=2)
LOOK = Group("Look", sort_key=3)
ADMINISTER = Group("Administer", sort_key=4)

GROUPS = {"Start": START, "Ask": ASK, "Look": LOOK, "Administer": ADMINISTER}
"""By the name that a plugin's verb says."""

Json = Annotated[bool, Parameter(name="--json", negative=(), help="Print the wire form.")]
