"""Prints the play as it happens: for people, or one JSON object a line."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

from ratelord_core.cli import words
from ratelord_core.cli.demo.actors import Moment
from ratelord_core.cli.demo.scene import AGENTS, LIMIT, POOL, WINDOW_SECONDS
from ratelord_core.cli.screen import console, print_json_line
from ratelord_core.cli.sentences import clause

if TYPE_CHECKING:
    from ratelord import Decision

_BAR = 10
NEXT = (
    ("ratelord up", "start a daemon of your own, in another terminal"),
    ("ratelord ask repo_scan", "ask it whether an action may go ahead"),
    ("ratelord pools", "see what is left"),
    ("ratelord explain INTENT_ID", "hear why it answered so"),
)


class Summary:
    """Counts what was seen."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def add(self, moment: Moment) -> None:
        """Count one moment."""
        self.seen[_count_name(moment)] += 1

    @property
    def decisions(self) -> int:
        """How many real answers there were."""
        return sum(self.seen[name] for name in ("approved", "waited", "denied"))


class Show(Protocol):
    """Somebody who shows the play."""

    def opening(self, url: str) -> None:
        """Before the first ask."""
        ...

    def moment(self, moment: Moment) -> None:
        """Something happened."""
        ...

    def closing(self, summary: Summary, events: int, intact: bool) -> None:
        """After the last; the log was verified."""
        ...


class JsonShow:
    """One object a line."""

    def opening(self, url: str) -> None:
        """Where the daemon is and who plays."""
        agents = [agent._asdict() for agent in AGENTS]
        print_json_line({"kind": "opening", "url": url, "pool": POOL, "agents": agents})

    def moment(self, moment: Moment) -> None:
        """The moment with its decision in wire form."""
        line: dict[str, Any] = {"kind": moment.kind, "at": round(moment.at, 3)}
        if moment.decision is not None:
            line |= {"agent": moment.agent, "workload": moment.workload}
            line["decision"] = moment.decision.as_wire()
        if moment.pool is not None:
            line["pool"] = moment.pool
        print_json_line(line)

    def closing(self, summary: Summary, events: int, intact: bool) -> None:
        """The counts."""
        counts = dict(summary.seen)
        print_json_line({"kind": "closing", "events": events, "intact": intact} | counts)


class PlainShow:
    """Lines for people; colour if it is a terminal."""

    def __init__(self) -> None:
        self._console = console()

    def opening(self, url: str) -> None:
        """What is about to be seen."""
        self._say("ratelord demo", "bold")
        self._say(f"A daemon of its own runs at {url}, in a temporary folder, and ends by itself.")
        self._say(f"Its one pool, {POOL}, has {LIMIT} calls every {WINDOW_SECONDS} s, for three:")
        for agent in AGENTS:
            self._say(f"  {agent.name:<8} {agent.habit}")
        self._say("")

    def moment(self, moment: Moment) -> None:
        """One line."""
        if moment.pool is not None:
            self._pool(moment, moment.pool)
        elif moment.decision is not None:
            self._decision(moment, moment.decision)

    def closing(self, summary: Summary, events: int, intact: bool) -> None:
        """What was seen, and what to type next."""
        seen = summary.seen
        proof = "is intact" if intact else "is BROKEN"
        self._say("")
        self._say(
            f"{summary.decisions} answers: {seen['approved']} approved at once, "
            f"{seen['waited']} told to wait, {seen['denied']} denied.",
            "bold",
        )
        self._say(
            f"Each was written down before it was given: {events} events, their chain {proof}."
        )
        self._say("")
        self._say("What to type next:", "bold")
        for command, purpose in NEXT:
            self._say(f"  {command:<28} {purpose}")

    def _decision(self, moment: Moment, decision: Decision) -> None:
        head = f"{moment.at:5.1f} s  {moment.agent:<8} {moment.workload:<7}"
        reason = clause(decision.reason)
        left = decision.holds[0].remaining if decision.holds else 0
        if moment.kind == "started":
            self._say(f"{head} → started, after its wait", "green")
        elif not decision:
            again = decision.retry_after_seconds
            later = f"; ask again in {words.span(again)}" if again else ""
            self._say(f"{head} ✗ denied    {reason}{later}", "red")
        elif decision.wait_seconds:
            self._say(f"{head} ◷ wait      {words.span(decision.wait_seconds)}: {reason}", "yellow")
        else:
            self._say(f"{head} ✓ approved  {_bar(left)} {left} left", "green")

    def _pool(self, moment: Moment, pool: dict[str, object]) -> None:
        if moment.kind == "full":
            self._say(f"{moment.at:5.1f} s  ── {POOL} was reset: there is room again ──", "cyan")
            return
        reset = words.until(str(pool["reset_at"])) if pool.get("reset_at") else "a while"
        self._say(f"{moment.at:5.1f} s  ── {POOL} is empty; it resets in {reset} ──", "cyan")

    def _say(self, text: str, style: str | None = None) -> None:
        self._console.print(text, style=style)


def _bar(left: int) -> str:
    full = min(_BAR, round(_BAR * left / LIMIT))
    return "█" * full + "░" * (_BAR - full)


def _count_name(moment: Moment) -> str:
    if moment.kind != "decision" or moment.decision is None:
        return moment.kind
    if moment.decision.synthetic:
        return "unanswered"
    if not moment.decision:
        return "denied"
    return "waited" if moment.decision.wait_seconds else "approved"
