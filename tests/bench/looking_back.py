"""What a backtest costs: a recorded rush asked anew, against what folding its log costs."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from table import Row

from ratelord_core import parts, plugins
from ratelord_core.events.record import Record
from ratelord_core.hindsight.backtest import Terms, backtest
from ratelord_core.replay import replay
from ratelord_core.store import EventQuery, EventStore
from ratelord_core.testing.table import Table

QUESTIONS = 200_000
"""What is to be replayed within a minute."""
_POLICY = """\
providers:
  mock:
    - id: llm
      pools:
        tokens: {limit: 400000, unit: tokens, window: {kind: fixed, every: 1m}}
        requests: {limit: 300, unit: requests, window: {kind: fixed, every: 1m}}
workloads: {chat: {consumes: {llm/tokens: 1500, llm/requests: 1}}}
pricing: {llm: {tokens: 3000}}
policies:
  - id: safety
    rules:
      - {name: shed, condition: "risk.p_exhaustion > 0.9 && intent.urgency == 'background'", action: deny}
      - {name: slow, condition: "pool.remaining_percent < 10", action: delay, params: {wait_seconds: 2}}
"""
_URGENCIES = ("normal", "high", "normal", "background")


class _Gathered:
    """Records on their way to a log, many at a time."""

    def __init__(self, log: EventStore) -> None:
        self._log, self._records = log, list[Record]()

    def append(self, records: Sequence[Record]) -> None:
        self._records += records
        if len(self._records) > 2_000:
            self.flush()

    def flush(self) -> None:
        self._log.append(self._records)
        self._records.clear()


class _Past(Table):
    """A log that is written to a file as it grows."""

    def __init__(self, log: EventStore) -> None:
        super().__init__(_POLICY)
        gathered = _Gathered(log)
        gathered.append(self.records())
        self.store = gathered
        stack = self._load(_POLICY)
        self.engine.configure(stack, parts.load().pools(stack.document), self.now)
        self._commit()

    def ask_all(self, questions: int) -> None:
        """Six questions a second; three in four of those let through are reported later."""
        waiting: list[str] = []
        for number in range(questions):
            self.pass_time(1 / 6)
            urgency = _URGENCIES[number % 4]
            answer = self.ask("chat", agent_id=f"agent-{number % 17}", urgency=urgency)
            if answer.allowed and number % 4:
                waiting.append(answer.intent_id)
            if len(waiting) > 12:
                self.report(waiting.pop(0))
            self.answered.clear()
        self.store.flush()


def rows(folder: Path, *, quick: bool) -> list[Row]:
    """The figures of this part."""
    questions = 5_000 if quick else 50_000
    loaded = plugins.load()
    log = loaded.named("ratelord_register_stores")["sqlite"].open_events(folder / "past.db")
    past = _Past(log)
    past.ask_all(questions)
    offered, stack = parts.load(), parts.load().policy(_POLICY, "candidate.yaml")
    replays, folds = [], []
    for _ in range(3):
        replays.append(_cpu(lambda: backtest(log, stack, offered, Terms())))
        blank = offered.blank(stack.document.settings.forecast_model)
        folds.append(_cpu(lambda blank=blank: replay(_events(log), blank.state())))
    log.close()
    each = min(replays) / questions
    return [
        Row(f"backtest of {QUESTIONS:,} questions, CPU seconds", each * QUESTIONS, "<=", 60),
        Row("backtest ÷ folding the same log", min(replays) / min(folds), "<=", 6),
    ]


def _events(log: EventStore) -> Iterator[Record]:
    return log.read(EventQuery())


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        for row in rows(Path(name), quick="--quick" in sys.argv):
            print(row)
