"""A trace is kept in few bytes and told in full."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelord_core.policy.trace import HELD, OUTSIDE, Look, pack, unpack

looks = st.builds(
    Look,
    st.integers(0, 30),
    st.sampled_from(["", HELD, OUTSIDE]),
    st.sampled_from(["", "github-main/search", "p/a@b-1", "p/x!"]),
)


@given(st.lists(looks))
def test_what_was_packed_comes_back(seen: list[Look]) -> None:
    assert list(unpack(pack(seen))) == seen


def test_a_run_of_rules_that_did_not_hold_takes_no_room() -> None:
    assert pack([Look(number) for number in range(10)]) == "0-9"
    assert pack([Look(0), Look(1, HELD), Look(2), Look(3, OUTSIDE)]) == "0,1!,2,3w"


def test_what_nobody_packed_is_refused() -> None:
    with pytest.raises(ValueError, match="names no rule"):
        list(unpack("x"))
