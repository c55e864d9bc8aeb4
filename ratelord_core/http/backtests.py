"""``/v1/policy/backtest``: candidate policies, tried on the log in processes of their own."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ratelord_core.doors import Access, Building
from ratelord_core.errors import FieldError, InvalidRequest, PolicyError
from ratelord_core.http.exchange import Answer, Exchange
from ratelord_core.http.long_work import LongWork, operations_of
from ratelord_core.http.operation import Operation
from ratelord_core.jobs import Desk, Job, Kind, Status
from ratelord_core.jobs.replay_task import PLAYER, LogPlace, ReplayTask
from ratelord_core.model.instant import Micros, from_text

PATH: Final = "/v1/policy/backtest"
SOURCE: Final = "request"
_MOST_EXAMPLES: Final = 1000
_KIND: Final = Kind(
    "backtest",
    "RATELORD_BACKTEST_SECONDS",
    PLAYER,
    lambda findings: PolicyError(SOURCE, findings),
)


class BacktestBounds(msgspec.Struct, frozen=True):
    """How much of the machine backtests may take."""

    concurrency: int = 1
    seconds: float = 300.0
    megabytes: int = 2048
    body_bytes: int = 4 * 1024 * 1024
    kept: int = 20


class BacktestRequest(msgspec.Struct, frozen=True):
    """``document`` is the candidate, a text or an object; the rest is optional."""

    document: str | dict[str, Any]
    from_: str | None = msgspec.field(default=None, name="from")
    to: str | None = None
    examples: int | float | None = None
    seed: int | float | None = None


class BacktestView(msgspec.Struct, frozen=True):
    """A backtest as readers see it. ``policy`` is the candidate's version, ``progress`` the part of
    the log that has been replayed, ``result`` what ``ratelord policy backtest --json`` prints."""

    backtest_id: str
    status: Status
    policy: str
    progress: float
    error: str | None
    result: dict[str, Any] | None = None


class Backtests(LongWork):
    """What HTTP does with backtests."""

    async def begin(self, exchange: Exchange) -> Answer:
        """Try a candidate policy on the log: what would have been answered otherwise.

        It runs in a process of its own, beside the daemon; `Location` is where it is followed. The
        body may also be the candidate alone, as YAML or JSON.
        """
        return await self._take(exchange)

    async def list(self, exchange: Exchange) -> Answer:
        """The backtests that are remembered, the newest first, without results."""
        return await self._all(exchange)

    async def show(self, exchange: Exchange) -> Answer:
        """One backtest: how far it is, and its result once it is done.

        With `stream=true` Server-Sent Events: `progress` as it comes, then the whole as `done`,
        `failed` or `cancelled`.
        """
        return await self._look(exchange, exchange.params["backtest_id"])

    async def drop(self, exchange: Exchange) -> Answer:
        """Break a backtest off; forget one that is over."""
        return await self._drop(exchange, exchange.params["backtest_id"])


OPERATIONS: Final = operations_of(
    Backtests,
    PATH,
    "backtest_id",
    BacktestView,
    BacktestRequest,
    {"document": "policies: []", "examples": 3},
)


class BacktestDoors:
    """Opens the door, before one daemon's log."""

    name = "backtest"
    path = PATH
    access: Access = "administer"
    operations: tuple[Operation, ...] = OPERATIONS

    def __init__(self, place: LogPlace, bounds: BacktestBounds) -> None:
        self._place = place
        self._bounds = bounds

    def open(self, building: Building) -> Backtests:
        """The noun behind it."""
        bounds = self._bounds
        desk = Desk(_KIND, bounds, "RATELORD_BACKTEST_CONCURRENCY")
        return Backtests(PATH, desk, bounds.body_bytes, self._task, _view, building.seats)

    def _task(self, body: bytes, yaml: bool) -> bytes:
        place = self._place
        asked = _asked(body, yaml=yaml)
        document = asked.document
        text = document if isinstance(document, str) else msgspec.json.encode(document).decode()
        since, until = _instant("from", asked.from_), _instant("to", asked.to)
        examples = _whole("examples", asked.examples, 20, _MOST_EXAMPLES)
        seed = _whole("seed", asked.seed, 0, 2**63 - 1)
        task = ReplayTask(
            text,
            SOURCE,
            place.store,
            place.path,
            place.graph,
            place.without,
            since,
            until,
            examples,
            seed,
            self._bounds.megabytes,
        )
        return msgspec.json.encode(task)


def _asked(body: bytes, *, yaml: bool) -> BacktestRequest:
    """A body: a request, or the candidate alone."""
    try:
        if yaml:
            return BacktestRequest(body.decode("utf-8"))
        plain = msgspec.json.decode(body, type=dict[str, Any])
        if "document" not in plain:
            return BacktestRequest(plain)
        return msgspec.convert(plain, BacktestRequest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"the body is no request for a backtest: {error}") from error


def _instant(field: str, said: str | None) -> Micros | None:
    if said is None:
        return None
    try:
        return from_text(said)
    except ValueError:
        raise _wrong(field, f"{said[:80]!r} is not a time; write 2026-01-31T12:00:00Z") from None


def _whole(field: str, said: float | None, usual: int, most: int) -> int:
    """A number without a fraction is a whole one, as everywhere on the wire."""
    if said is None:
        return usual
    if not 0 <= said <= most or said != int(said):
        raise _wrong(field, f"{said:g} is not a whole number from 0 to {most}")
    return int(said)


def _wrong(field: str, message: str) -> InvalidRequest:
    return InvalidRequest(f"{field}: {message}", fields=[FieldError(field, message)])


def _view(job: Job, *, whole: bool) -> BacktestView:
    return BacktestView(
        job.job_id,
        job.status,
        job.title,
        job.progress,
        job.error,
        job.result if whole else None,
    )
