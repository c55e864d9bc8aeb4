"""Whose shares of pools somebody asks about."""

from __future__ import annotations

from typing import Final

import msgspec

PARTS: Final = ("agent", "identity", "scope")
"""What the shares of one pool can be listed by, in the order in which a party names them."""


class ShareQuery(msgspec.Struct, frozen=True):
    """One share, by any of its names; or ``by`` one of ``PARTS`` the largest shares of a pool."""

    agent_id: str | None = None
    identity_id: str | None = None
    scope_id: str | None = None
    by: str | None = None

    @property
    def whose(self) -> tuple[str | None, str | None, str | None]:
        """The names in the order of a party."""
        return (self.agent_id, self.identity_id, self.scope_id)

    def __bool__(self) -> bool:
        """Whether any share is asked about."""
        return self.by is not None or any(name is not None for name in self.whose)


WHOLE: Final = ShareQuery()
"""No share: the pools themselves."""
