"""Plays the demonstration from its curtain to its end."""

from __future__ import annotations

from pathlib import Path
from queue import Empty
from tempfile import TemporaryDirectory

from ratelord_core.cli.daemon_process import DaemonDied, DaemonProcess
from ratelord_core.cli.demo.actors import Actors, PoolWatcher
from ratelord_core.cli.demo.scene import LIMIT, POLICY, POOL
from ratelord_core.cli.demo.show import Show, Summary
from ratelord_core.cli.outcome import DONE, FAILED, CommandFailed

_LOOK_EVERY_SECONDS = 0.2


def play(show: Show, seconds: float) -> int:
    """Play for so long. Returns the exit code: an error if nobody got an answer."""
    with TemporaryDirectory(prefix="ratelord-demo-") as folder:
        daemon = DaemonProcess(Path(folder), policy=POLICY)
        try:
            daemon.start()
        except DaemonDied as error:
            lines = str(error).strip().splitlines()
            raise CommandFailed(f"the demonstration could not start: {lines[-1]}") from None
        with daemon:
            summary = _perform(daemon.url, show, seconds)
        events, intact = _proof(daemon.db)
        show.closing(summary, events, intact)
    return DONE if summary.decisions and intact else FAILED


def _perform(url: str, show: Show, seconds: float) -> Summary:
    from ratelord import Client

    summary = Summary()
    with Client(url, auto_wait=False) as client:
        show.opening(url)
        watcher = PoolWatcher(lambda: client.pool(POOL), LIMIT)
        with Actors(client) as actors:
            while actors.elapsed() < seconds:
                try:
                    moments = [actors.moments.get(timeout=_LOOK_EVERY_SECONDS)]
                except Empty:
                    moments = []
                noticed = watcher.notice(actors.elapsed())
                for moment in [*moments, *([noticed] if noticed else [])]:
                    summary.add(moment)
                    show.moment(moment)
    return summary


def _proof(db: Path) -> tuple[int, bool]:
    from ratelord_core.cli.log_file import open_log
    from ratelord_core.events.verify import verify
    from ratelord_core.store import EventQuery

    _, store = open_log(db)
    try:
        proof = verify(store.read(EventQuery()))
    finally:
        store.close()
    return proof.count, proof.intact
