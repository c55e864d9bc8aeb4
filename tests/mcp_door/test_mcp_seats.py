"""Who loses a session when there are too many."""

from __future__ import annotations

import pytest

from ratelord_mcp.seats import Owner, Seats

GREEDY, HONEST = Owner(None, "127.0.0.1", "greedy"), Owner(None, "127.0.0.1", "honest")
OTHER = Owner("pat:other", "127.0.0.1", "greedy")


def seated(seats: Seats, owner: Owner, *names: str) -> None:
    for name in names:
        seats.take(name, owner)


def ended(seats: Seats, owner: Owner) -> str | None:
    """The session that goes when this owner opens one more."""
    party = seats.crowd(owner)
    found = None if party is None else seats.spare(party)
    return None if found is None else found[0]


def test_there_is_room_until_a_share_is_taken() -> None:
    seats = Seats(most=10, each=3)
    seated(seats, GREEDY, "a", "b")

    assert seats.crowd(GREEDY) is None
    seated(seats, GREEDY, "c")
    assert seats.crowd(GREEDY) == GREEDY.party
    assert seats.crowd(OTHER) is None, "a token's share is its own"
    seats.leave("a")
    assert seats.crowd(GREEDY) is None


def test_who_has_a_share_makes_room_for_itself_with_what_it_did_not_use_for_longest() -> None:
    seats = Seats(most=10, each=4)
    seated(seats, HONEST, "old")
    seated(seats, GREEDY, "a", "b", "c")

    with seats.used("a"):
        assert ended(seats, GREEDY) == "b", "what is in use stays"
    assert ended(seats, GREEDY) == "b", "what was just used goes last"
    assert ended(seats, HONEST) == "b", "the client that has most makes room for the others"


def test_when_all_are_taken_whoever_has_most_makes_room_for_strangers() -> None:
    seats = Seats(most=4, each=3)
    seated(seats, OTHER, "theirs")
    seated(seats, GREEDY, "a", "b", "c")

    assert ended(seats, OTHER) == "a"
    assert ended(seats, Owner("pat:new", "10.0.0.1")) == "a"


@pytest.mark.parametrize("owner", [GREEDY, OTHER])
def test_what_is_all_in_use_is_ended_for_nobody(owner: Owner) -> None:
    seats = Seats(most=1, each=1)
    seated(seats, GREEDY, "a")

    with seats.used("a"), seats.used("a"):
        assert seats.crowd(owner) == GREEDY.party
        assert ended(seats, owner) is None


def test_using_what_is_not_known_changes_nothing() -> None:
    seats = Seats(most=1, each=1)
    with seats.used("nobody"):
        seated(seats, GREEDY, "a")
    with seats.used("a"):
        seats.leave("a")

    assert seats.crowd(GREEDY) is None
