"""A backtest is about as fast as the deciding that it repeats: 200,000 questions are a minute."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

QUESTIONS = 400


def test_a_question_is_replayed_for_less_than_twice_what_deciding_and_sealing_it_cost(
    begin: Callable[..., Any],
) -> None:
    def dearer() -> float:
        past = begin()
        made = _cpu(lambda: [_ask(past, number) for number in range(QUESTIONS)])
        return _cpu(lambda: past.backtest(past.text)) / made

    # What a processor does in a second changes with what its neighbours do: a change in between
    # spoils one comparison or two.
    assert median(dearer() for _ in range(5)) < 2


def _ask(past: Any, number: int) -> None:
    answer = past.ask("chat", agent_id=f"agent-{number % 7}", expected_cost=10)
    past.pass_time(0.5)
    past.report(answer.intent_id)


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
