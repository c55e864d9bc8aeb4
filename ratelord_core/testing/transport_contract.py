"""What every transport between daemons must do: inherit the class, and give it a factory and a
place.

    class TestMine(TransportContract):
        @pytest.fixture
        def factory(self): return MyFactory()

        @pytest.fixture
        def place(self): return "mine://127.0.0.1:0"

Each test runs a loop of its own, over whatever the transport really uses. No test measures time:
what has to be given up is never answered at all.
"""

from __future__ import annotations

import asyncio
import os

import pytest

from ratelord_core.errors import NobodyThere, SettingsError, TransportFailed
from ratelord_core.testing.transport_failures import TransportFailures
from ratelord_core.testing.transport_play import (
    AMPLE,
    CANARY,
    MANY,
    echo,
    pair,
    run,
    said_of,
    unanswered,
)
from ratelord_core.transport import MAX_BODY, Address, Security, Transport, TransportFactory

__all__ = ["TransportContract", "echo"]


class TransportContract(TransportFailures):
    """Inherit it, and override the fixtures ``factory`` and ``place``."""

    @pytest.fixture
    def factory(self) -> TransportFactory:
        """The factory under test."""
        raise RuntimeError("override the fixture `factory` to give the contract a transport")

    @pytest.fixture
    def place(self) -> str:
        """An address at which one can serve, for each test another one or a free port."""
        raise RuntimeError("override the fixture `place` to say where the contract may serve")

    @pytest.fixture
    def security(self) -> Security:
        """What both sides are built with."""
        return Security()

    @pytest.fixture
    def transport(self, factory: TransportFactory, security: Security) -> Transport:
        """The transport under test."""
        return factory.build(security)

    def test_a_factory_has_a_name_and_the_schemes_of_its_addresses(
        self, factory: TransportFactory, place: str
    ) -> None:
        assert factory.name
        assert Address(place).scheme in factory.schemes
        assert all(scheme == scheme.lower() for scheme in factory.schemes)

    @pytest.mark.parametrize("body", [b"", b"{}", bytes(range(256)), b"\r\n\r\n", b"x" * 100_000])
    def test_a_reply_comes_back_whatever_the_bytes(
        self, transport: Transport, place: str, body: bytes
    ) -> None:
        async def play() -> None:
            async with pair(transport, place, echo) as (link, _):
                assert await link.call("grant", body, AMPLE) == b"grant " + body
                assert await link.call("return", body, AMPLE) == b"return " + body

        run(play)

    def test_where_it_serves_is_told_and_reached(self, transport: Transport, place: str) -> None:
        async def play() -> None:
            async with pair(transport, place, echo) as (_, served):
                assert served.address.scheme == Address(place).scheme
                other = transport.connect(Address(served.address.text))
                assert await other.call("ping", b"1", AMPLE) == b"ping 1"
                await other.aclose()

        run(play)

    def test_many_are_answered_at_once_and_each_gets_its_own(
        self, transport: Transport, place: str
    ) -> None:
        async def play() -> None:
            all_here = asyncio.Barrier(MANY)

            async def meet(_topic: str, body: bytes) -> bytes:
                await all_here.wait()
                return body

            async with pair(transport, place, meet) as (link, _):
                bodies = [str(number).encode() for number in range(MANY)]
                calls = (link.call("grant", body, AMPLE) for body in bodies)
                assert await asyncio.gather(*calls) == bodies

        run(play)

    def test_the_longest_message_and_reply_are_carried(
        self, transport: Transport, place: str
    ) -> None:
        async def same(_topic: str, body: bytes) -> bytes:
            return body

        async def play() -> None:
            longest = os.urandom(MAX_BODY)
            async with pair(transport, place, same) as (link, _):
                assert await link.call("grant", longest, AMPLE) == longest

        run(play)

    @pytest.mark.parametrize("topic", ["", "Grant", "../admin", "a b", "a" * 64, "grant?x=1", "ä"])
    def test_a_topic_that_is_no_name_is_refused(
        self, transport: Transport, place: str, topic: str
    ) -> None:
        async def play() -> None:
            async with pair(transport, place, echo) as (link, _):
                with pytest.raises(ValueError, match="topic"):
                    await link.call(topic, b"", AMPLE)

        run(play)

    def test_a_cancelled_call_gives_up_and_the_link_goes_on(
        self, transport: Transport, place: str
    ) -> None:
        async def play() -> None:
            async with unanswered(transport, place) as (link, _, call):
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
                assert await link.call("grant", b"on", AMPLE) == b"grant on"

        run(play)

    def test_closing_a_link_ends_what_is_being_asked(
        self, transport: Transport, place: str
    ) -> None:
        async def play() -> None:
            async with unanswered(transport, place) as (link, _, call):
                await link.aclose()
                with pytest.raises(NobodyThere) as failed:
                    await call
                assert failed.value.may_have_acted

        run(play)

    def test_closing_twice_is_closing_once(self, transport: Transport, place: str) -> None:
        async def play() -> None:
            async with pair(transport, place, echo) as (link, served):
                await link.call("grant", b"", AMPLE)
                for side in (link, link, served, served):
                    await side.aclose()
                with pytest.raises(NobodyThere) as failed:
                    await link.call("grant", b"", AMPLE)
                assert not failed.value.may_have_acted

        run(play)

    def test_what_was_never_used_can_be_closed(self, transport: Transport, place: str) -> None:
        async def play() -> None:
            async with pair(transport, place, echo):
                pass

        run(play)

    @pytest.mark.parametrize("text", ["", "nothing", "other-scheme://127.0.0.1:1", "://", "x"])
    def test_an_address_that_it_cannot_read_is_refused(
        self, transport: Transport, text: str
    ) -> None:
        async def play() -> None:
            with pytest.raises(SettingsError):
                transport.connect(Address(text))
            with pytest.raises(SettingsError):
                await transport.serve(Address(text), echo)

        run(play)

    def test_no_secret_is_in_an_error_or_a_text(
        self, factory: TransportFactory, security: Security, place: str
    ) -> None:
        async def play() -> None:
            built = Security(CANARY, security.certificate, security.key, security.authority)
            transport = factory.build(built)
            served = await transport.serve(Address(place), echo)
            link = transport.connect(served.address)
            said = [repr(x) + str(x) for x in (built, transport, served, link, served.address)]
            await served.aclose()
            with pytest.raises(TransportFailed) as failed:
                await link.call("grant", b"", AMPLE)
            said.append(repr(failed.value) + str(failed.value))
            await link.aclose()
            said.append(await said_of(transport, served.address.text))
            assert CANARY not in "".join(said)

        run(play)
