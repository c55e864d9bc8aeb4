"""What a transport does when the other side does not: a part of the contract of all transports."""

from __future__ import annotations

import pytest

from ratelord_core.errors import (
    LeaderMoved,
    NobodyThere,
    PeerFailed,
    TooLarge,
    TooLate,
    TransportFailed,
)
from ratelord_core.testing.transport_play import (
    AMPLE,
    CANARY,
    SOON,
    echo,
    for_ever,
    hearing,
    insisting,
    pair,
    run,
    serving_again,
    unanswered,
)
from ratelord_core.transport import MAX_BODY, Address, Transport


class TransportFailures:
    """``TransportContract`` inherits it, and has the fixtures."""

    def test_where_nobody_is_the_call_fails_as_if_nothing_was_sent(
        self, transport: Transport, place: str
    ) -> None:
        async def play() -> None:
            served = await transport.serve(Address(place), echo)
            await served.aclose()
            link = transport.connect(served.address)
            with pytest.raises(NobodyThere) as failed:
                await link.call("grant", b"", AMPLE)
            assert not failed.value.may_have_acted
            await link.aclose()

        run(play)

    def test_who_comes_back_is_found_by_the_same_link(
        self, transport: Transport, place: str
    ) -> None:
        async def play() -> None:
            async with pair(transport, place, echo) as (link, served):
                assert await link.call("grant", b"1", AMPLE) == b"grant 1"
                await served.aclose()
                with pytest.raises(NobodyThere):
                    await link.call("grant", b"2", AMPLE)
                again = await serving_again(transport, served.address)
                assert await insisting(link, b"3") == b"grant 3"
                await again.aclose()

        run(play)

    def test_a_slow_peer_meets_the_deadline_and_the_link_goes_on(
        self, transport: Transport, place: str
    ) -> None:
        heard: list[bytes] = []

        async def slow_once(topic: str, body: bytes) -> bytes:
            heard.append(body)
            return await (for_ever if body == b"slow" else echo)(topic, body)

        async def play() -> None:
            async with pair(transport, place, slow_once) as (link, _):
                within, doubts = SOON, list[bool]()
                while not heard:  # on a busy machine the deadline may pass before it was sent
                    assert within < AMPLE, "what is given time is sent"
                    with pytest.raises(TooLate) as failed:
                        await link.call("grant", b"slow", within)
                    doubts.append(failed.value.may_have_acted)
                    within *= 5
                assert any(doubts)
                assert await link.call("grant", b"quick", AMPLE) == b"grant quick"

        run(play)

    @pytest.mark.parametrize("within", [0, -1])
    def test_after_the_deadline_nothing_is_sent(
        self, transport: Transport, place: str, within: int
    ) -> None:
        async def play() -> None:
            heard: list[bytes] = []
            async with pair(transport, place, hearing(heard)) as (link, _):
                with pytest.raises(TooLate) as failed:
                    await link.call("grant", b"late", within)
                assert not failed.value.may_have_acted
                await link.call("grant", b"in time", AMPLE)
            assert heard == [b"in time"]

        run(play)

    def test_a_peer_that_dies_while_it_answers_leaves_the_caller_with_a_doubt(
        self, transport: Transport, place: str
    ) -> None:
        async def play() -> None:
            async with unanswered(transport, place) as (_, served, call):
                await served.aclose()
                with pytest.raises(TransportFailed) as failed:
                    await call
                assert failed.value.may_have_acted

        run(play)

    def test_a_peer_that_raises_has_failed_and_keeps_what_it_raised(
        self, transport: Transport, place: str
    ) -> None:
        async def fail_once(topic: str, body: bytes) -> bytes:
            if body == b"bad":
                raise KeyError(CANARY)
            return await echo(topic, body)

        async def play() -> None:
            async with pair(transport, place, fail_once) as (link, _):
                with pytest.raises(PeerFailed) as failed:
                    await link.call("grant", b"bad", AMPLE)
                assert CANARY not in str(failed.value)
                assert await link.call("grant", b"good", AMPLE) == b"grant good"

        run(play)

    @pytest.mark.parametrize("where", ["", "elsewhere://leader.example:8092"])
    def test_a_leader_that_moved_says_where_to(
        self, transport: Transport, place: str, where: str
    ) -> None:
        async def moved(_topic: str, _body: bytes) -> bytes:
            raise LeaderMoved(where)

        async def play() -> None:
            async with pair(transport, place, moved) as (link, _):
                with pytest.raises(LeaderMoved) as failed:
                    await link.call("grant", b"", AMPLE)
                assert failed.value.address == where
                assert not failed.value.may_have_acted

        run(play)

    def test_a_longer_message_is_not_sent(self, transport: Transport, place: str) -> None:
        async def play() -> None:
            heard: list[bytes] = []
            async with pair(transport, place, hearing(heard)) as (link, _):
                with pytest.raises(TooLarge) as failed:
                    await link.call("grant", bytes(MAX_BODY + 1), AMPLE)
                assert not failed.value.may_have_acted
            assert heard == []

        run(play)

    def test_a_longer_reply_is_not_taken_and_the_peer_has_acted(
        self, transport: Transport, place: str
    ) -> None:
        async def chatty(_topic: str, body: bytes) -> bytes:
            return bytes(MAX_BODY + 1) if body == b"much" else body

        async def play() -> None:
            async with pair(transport, place, chatty) as (link, _):
                with pytest.raises(TooLarge) as failed:
                    await link.call("grant", b"much", AMPLE)
                assert failed.value.may_have_acted
                assert await link.call("grant", b"little", AMPLE) == b"little"

        run(play)

    def test_a_place_that_is_taken_is_told(self, transport: Transport, place: str) -> None:
        async def play() -> None:
            async with pair(transport, place, echo) as (_, served):
                with pytest.raises(NobodyThere):
                    await transport.serve(served.address, echo)

        run(play)
