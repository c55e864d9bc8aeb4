"""A backtest is about as fast as the deciding that it repeats: 200,000 questions are a minute."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

QUESTIONS = 400


def test_a_question_is_replayed_for_less_than_twice_what_deciding_and_sealing_it_cost(
    begin: Callable[..., Any],
) -> None:
    made, replayed = [], []
    for _ in range(3):
        past = begin()
        made.append(_cpu(lambda past=past: [_ask(past, number) for number in range(QUESTIONS)]))
        replayed.append(_cpu(lambda past=past: past.backtest(past.text)))

    assert min(replayed) < 2 * min(made)


def _ask(past: Any, number: int) -> None:
    answer = past.ask("chat", agent_id=f"agent-{number % 7}", expected_cost=10)
    past.pass_time(0.5)
    past.report(answer.intent_id)


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
