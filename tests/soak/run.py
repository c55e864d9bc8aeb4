"""A long life with many deaths: ``tox -e soak``.

Agents ask, alone and in batches, and report, over so many decisions; every so many seconds the
daemon is killed without a word and started again. Afterwards nothing that was acknowledged may be
missing, nothing decided twice, no pool overdrawn, every link of the log intact, and the daemon no
larger than it was. Exits 1 if any of that is not so.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import httpx2
from asking import Agent
from auditing import JOBS, SCARCE, SPENT, Audit

from ratelord_core.testing.daemon_process import DaemonProcess

AGENTS = 24
SETTLED = 150_000
MOST_GROWTH = 0.1
"""KB for each decision. Nothing is remembered for longer than minutes here (``idempotency_ttl``), so
what grows all the same would be a leak; a page of the allocator more or less is none."""
LIMITS = {SPENT: 10**9, SCARCE: 5_000, JOBS: 40}
POLICY = f"""
pools:
  - {{id: {SPENT}, limit: {LIMITS[SPENT]}, window: {{kind: fixed, every: 720h}}, shared_by: ["*"]}}
  - {{id: {JOBS}, limit: {LIMITS[JOBS]}, window: {{kind: concurrency}}, shared_by: ["key:1"]}}
  - {{id: {SCARCE}, limit: {LIMITS[SCARCE]}, window: {{kind: fixed, every: 720h}}, shared_by: ["key:2", "key:3"]}}
settings: {{hold_ttl: 5s, concurrency_ttl: 5s, idempotency_ttl: 2m}}
"""


@dataclass
class Life:
    """One daemon's life, from its start to its death."""

    ready_after: float
    resident: int = 0
    decisions: int = 0


@dataclass
class Run:
    """What came of it."""

    lives: list[Life] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def main(arguments: list[str]) -> int:
    """Live, die, audit, tell."""
    options = _options(arguments)
    agents = [Agent(number, options.seed) for number in range(AGENTS)]
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        daemon = DaemonProcess(Path(name), policy=POLICY, deadline=600)
        began = time.monotonic()
        run = _lives(daemon, agents, options)
        audit = Audit(daemon.db, LIMITS)
        _compare(daemon, agents, audit, run)
    took = time.monotonic() - began
    print(
        f"{len(audit.decided):,} decisions and {len(audit.reported):,} reports in {took:.0f} s, "
        f"{audit.events:,} events, {len(run.lives) - 1} kills; ready after "
        f"{max(life.ready_after for life in run.lives):.1f} s at most; resident "
        f"{', '.join(f'{life.resident // 1024} MB' for life in run.lives)}"
    )
    for sentence in run.wrong:
        print(f"soak: {sentence}", file=sys.stderr)
    if not run.wrong:
        print("nothing lost, nothing twice, nothing overdrawn, every link intact")
    return 1 if run.wrong else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--decisions", type=int, default=1_000_000, help="when it is enough")
    parser.add_argument("--every", type=float, default=30.0, help="seconds between two kills")
    parser.add_argument("--minutes", type=float, default=120.0, help="when it ends at the latest")
    parser.add_argument("--seed", type=int, default=1, help="of the agents' chances")
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="on the disk to be used")
    return parser.parse_args(arguments)


def _lives(daemon: DaemonProcess, agents: list[Agent], options: argparse.Namespace) -> Run:
    run, ends = Run(), time.monotonic() + options.minutes * 60
    known = 0
    while known < options.decisions and time.monotonic() < ends:
        started = time.monotonic()
        daemon.start()
        life = Life(time.monotonic() - started)
        asyncio.run(_live(daemon, agents, options.every, life))
        now = sum(len(agent.acknowledged) for agent in agents)
        life.decisions, known = now - known, now
        run.lives.append(life)
        print(
            f"life {len(run.lives)}: ready after {life.ready_after:.1f} s, "
            f"{life.decisions:,} decisions, {life.resident // 1024} MB",
            flush=True,
        )
    return run


async def _live(daemon: DaemonProcess, agents: list[Agent], seconds: float, life: Life) -> None:
    living = asyncio.gather(*(agent.live(daemon.url) for agent in agents))
    await asyncio.sleep(seconds)
    life.resident = _resident(daemon.pid)
    await asyncio.to_thread(daemon.kill)
    await living


def _resident(pid: int) -> int:
    """KB that a process has in memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise LookupError(f"process {pid} has no size")


def _compare(daemon: DaemonProcess, agents: list[Agent], audit: Audit, run: Run) -> None:
    acknowledged = [name for agent in agents for name in agent.acknowledged]
    reported = {name for agent in agents for name in agent.reported}
    lost = set(acknowledged) - audit.decided
    if lost:
        run.wrong.append(f"{len(lost)} acknowledged decisions are not in the log")
    if reported - audit.reported:
        run.wrong.append(f"{len(reported - audit.reported)} reports are not in the log")
    if len(set(acknowledged)) != len(acknowledged):
        run.wrong.append("an intent was given as the answer to two questions")
    run.wrong += audit.faults[:10]
    run.wrong += [sentence for agent in agents for sentence in agent.unexpected][:10]
    with daemon.start():
        reply = httpx2.post(f"{daemon.url}/v1/admin/verify", timeout=600)
    if reply.status_code != 200:
        run.wrong.append(f"the log was not proven: {reply.text}")
        return
    found = reply.json()
    if not found["intact"] or found["state"] != "same":
        run.wrong.append(
            f"the daemon and its log disagree: {found['differences'] or found['fault']}"
        )
    each = _growth(run.lives)
    if each > MOST_GROWTH:
        run.wrong.append(f"it grows by {each:.2f} KB with each decision")


def _growth(lives: list[Life]) -> float:
    """KB for each decision after the first ``SETTLED``, until which a daemon fills what it
    remembers of ended holds; 0 if there were too few to tell. Lives that began with keeping a
    snapshot are larger by what that took: the median of each half counts."""
    known, later = 0, []
    for life in lives:
        known += life.decisions
        if known > SETTLED:
            later.append((known, life.resident))
    half = len(later) // 2
    if half < 2:
        return 0.0
    (at, before), (end, after) = (
        [median(figures) for figures in zip(*some, strict=True)]
        for some in (later[:half], later[-half:])
    )
    return (after - before) / (end - at)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
