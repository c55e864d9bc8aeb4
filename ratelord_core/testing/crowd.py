"""People who ask a daemon without end, and keep what they were told: for tests of its end."""

from __future__ import annotations

import threading
from typing import Any, Self

import httpx2

from ratelord_core.testing.desk import question


class Crowd:
    """Threads that go on asking until the block ends.

    ``acknowledged`` has the intents that were decided; ``refused`` the problems that others met.
    """

    def __init__(self, url: str, size: int = 4) -> None:
        self.acknowledged: list[str] = []
        self.refused: list[dict[str, Any]] = []
        self._url = url
        self._stop = threading.Event()
        self._answered = threading.Semaphore(0)
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(size)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def wait_for(self, answers: int) -> None:
        """Until so many more decisions have come."""
        for _ in range(answers):
            assert self._answered.acquire(timeout=60), f"no more answers; refused: {self.refused}"

    def _ask(self, number: int) -> None:
        with httpx2.Client(base_url=self._url, timeout=60) as client:
            while not self._stop.is_set():
                try:
                    answer = client.post("/v1/intent", json=question(agent_id=f"agent:{number}"))
                except httpx2.TransportError:
                    return
                if answer.status_code == 200:
                    self.acknowledged.append(answer.json()["intent_id"])
                    self._answered.release()
                else:
                    self.refused.append(answer.json())
                    self._stop.wait(0.02)
