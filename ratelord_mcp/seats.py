"""Who has which session, so that nobody takes them all: not one client, and not one token."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

MOST: Final = 1000
"""Sessions of all together."""
EACH: Final = 500
"""Sessions of one token; without tokens, of one address."""


Party = tuple[str | None, str]
"""Who answers for sessions, whatever names the clients give themselves."""


class Owner(msgspec.Struct, frozen=True):
    """Whose a session is: the token's identity, else the address; and the client by its own name,
    which keeps honest programs apart and proves nothing."""

    identity_id: str | None
    address: str
    client: str = ""

    @property
    def party(self) -> Party:
        """The identity, else the address."""
        return (self.identity_id, "" if self.identity_id else self.address)


class Seat(msgspec.Struct):
    """One session; ``busy`` counts its requests and streams that are open."""

    owner: Owner
    busy: int = 0


class Seats:
    """Sessions by id, the longest unused first."""

    def __init__(self, most: int = MOST, each: int = EACH) -> None:
        self._most = most
        self._each = each
        self._seats: OrderedDict[str, Seat] = OrderedDict()

    def take(self, session_id: str, owner: Owner) -> None:
        """A session was opened."""
        self._seats[session_id] = Seat(owner)

    def leave(self, session_id: str) -> None:
        """A session ended, or is not known any more."""
        self._seats.pop(session_id, None)

    @contextmanager
    def used(self, session_id: str) -> Iterator[None]:
        """While a request of a session is served, the session is not idle."""
        seat = self._seats.get(session_id)
        if seat is None:
            yield
            return
        seat.busy += 1
        try:
            yield
        finally:
            seat.busy -= 1
            if session_id in self._seats:
                self._seats.move_to_end(session_id)

    def crowd(self, owner: Owner) -> Party | None:
        """Who must make room before this owner may open one more session; None if there is room.

        Whoever has taken a share makes room for itself; when all are taken, whoever has most.
        """
        parties = Counter(seat.owner.party for seat in self._seats.values())
        if parties[owner.party] >= self._each:
            return owner.party
        if len(self._seats) >= self._most:
            return parties.most_common(1)[0][0]
        return None

    def spare(self, party: Party) -> tuple[str, Owner] | None:
        """The session that this party can do without best: the idle one that was not used for
        longest, among those of its client that has most. None if all are in use."""
        idle = [
            (session_id, seat.owner)
            for session_id, seat in self._seats.items()
            if not seat.busy and seat.owner.party == party
        ]
        clients = Counter(owner.client for _, owner in idle)
        largest = max(clients.values(), default=0)
        return next((one for one in idle if clients[one[1].client] == largest), None)
