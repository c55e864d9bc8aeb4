"""The line to the one daemon, by the rules of ``ratelord mcp``."""

from __future__ import annotations

from ratelord.connection import Connection
from ratelord_mcp.bridge.finding import answers, check_names, is_named, note_path, places, seek
from ratelord_mcp.bridge.line import Line


def line_to_daemon(url: str | None, token: str | None, *, start: bool) -> Line:
    """A line that finds the daemon by the rules of ``ratelord mcp``.

    Raises ``ValueError`` for what cannot be an address, a token or a timeout.
    """
    check_names(url, token)

    def tried() -> list[Connection]:
        return places(url, token, note_path())

    def found() -> Connection | None:
        return next((place for place in tried() if answers(place)), None)

    def begin() -> Connection:
        from ratelord_mcp.bridge.starting import Starter  # noqa: PLC0415 - only where it is needed

        return Starter(found, note_path(), token=token)()

    return Line(lambda: seek(tried, begin if start and not is_named(url) else None))
