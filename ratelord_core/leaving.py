"""What SIGTERM means to a process that serves, before it serves: leave, as later, in good order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

CLEAN: Final = 0


class Leaving(SystemExit):
    """The process is to leave: no plugin's wish, but its owner's."""


@contextmanager
def leaves_when_told(status: int = CLEAN) -> Iterator[None]:
    """Within the block SIGTERM leaves with this status, by ``Leaving``, until somebody else listens
    for it, as a loop does: so loading and opening are no gap in which it is a death by signal. In
    a thread other than the main one, which gets no signals, it changes nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, partial(_leave, status))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _leave(status: int, _number: int, _frame: object) -> None:
    raise Leaving(status)
