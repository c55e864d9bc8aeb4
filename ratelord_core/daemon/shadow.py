"""A policy evaluated beside the one in force: it follows the log in a process of its own, and only
what it would have answered otherwise is written down."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from ratelord_core.backstage import backstage
from ratelord_core.engine.answering import written
from ratelord_core.errors import Finding, PolicyError, RatelordError
from ratelord_core.events.shadowing import ShadowDiffered, ShadowTurned
from ratelord_core.jobs import Player, Said
from ratelord_core.jobs.replay_task import PLAYER, LogPlace, ReplayTask
from ratelord_core.local_arbiter import LocalArbiter
from ratelord_core.model.dimensions import DAEMON, Dimensions
from ratelord_core.model.ids import uuid_bytes
from ratelord_core.model.instant import SECOND, Micros, to_text
from ratelord_core.model.shadow import ShadowView, State
from ratelord_core.policy.stack import PolicyStack

_log = logging.getLogger(__name__)
_MEGABYTES: Final = 4096
_KEPT: Final = 10_000
"""What is kept for a log that cannot be written now; beyond it the oldest is lost, and counted."""


class Shadow:
    """At most one shadow policy of a daemon. It costs nothing while there is none, no decision
    depends on it, and one that fails is named and switched off."""

    def __init__(
        self,
        arbiter: LocalArbiter,
        place: LogPlace,
        check: Callable[[str | bytes, str], PolicyStack],
    ) -> None:
        self._arbiter = arbiter
        self._place = place
        self._check = check
        self._player: Player | None = None
        self._work: asyncio.Task[None] | None = None
        self._state: State = "off"
        self._version = ""
        self._source = ""
        self._since: Micros = 0
        self._error = ""
        self._counts: dict[str, int] = {}
        self._unwritten: deque[tuple[ShadowDiffered | ShadowTurned, Dimensions, bytes]] = deque()

    def view(self) -> ShadowView:
        """As it stands now."""
        if self._state == "off":
            return ShadowView("off")
        return ShadowView(
            self._state,
            self._version,
            self._source,
            to_text(self._since),
            dict(self._counts),
            self._error or None,
        )

    async def begin(self, document: str, source: str) -> ShadowView:
        """Evaluate this policy from now on, in place of the shadow before. Raises ``PolicyError``
        if it is not valid; then nothing changes."""
        stack = await backstage(self._check, document, source)
        await self.end()
        self._state, self._version, self._source = "starting", stack.version, source
        self._since, self._error, self._counts = self._arbiter.now(), "", {}
        place = self._place
        task = ReplayTask(
            document,
            source,
            place.store,
            place.path,
            place.graph,
            place.without,
            megabytes=_MEGABYTES,
            follow=True,
            since_seq=self._arbiter.journal.seq,
        )
        self._player = Player(PLAYER, msgspec.json.encode(task))
        self._work = asyncio.create_task(self._follow(self._player), name="shadow")
        await self._note(ShadowTurned(state="on", version=stack.version, source=source))
        return self.view()

    async def begin_with(self, path: Path | None) -> None:
        """Begin with the policy of a file. A shadow never keeps a daemon from starting: one that
        cannot be read is named in the log, and there is none."""
        if path is None:
            return
        try:
            text = await asyncio.to_thread(path.read_text, encoding="utf-8")
            await self.begin(text, str(path))
        except (OSError, UnicodeDecodeError, RatelordError) as error:
            _log.error("there is no shadow policy: %s: %s", path, error)

    async def end(self) -> ShadowView:
        """Evaluate none any more."""
        work, self._work = self._work, None
        if work is not None:
            work.cancel()
            await asyncio.wait((work,))
            if self._state in ("starting", "on"):
                await self._note(ShadowTurned(state="off", version=self._version))
        self._state = "off"
        return self.view()

    # --- its process --------------------------------------------------------------------------

    async def _follow(self, player: Player) -> None:
        why = "its process ended"
        try:
            async for said in player.lines():
                failed = self._hear(said)
                if failed:
                    why = failed
                    break
        except (OSError, ValueError, msgspec.DecodeError) as error:
            why = f"its process could not be followed: {error}"
        self._state, self._error = "failed", why
        _log.warning("shadow policy %s (%s) is switched off: %s", self._version, self._source, why)
        turned = ShadowTurned(
            state="failed", version=self._version, source=self._source, detail=why
        )
        await self._note(turned)

    def _hear(self, said: Said) -> str:
        """Why it failed, if it did."""
        self._catch_up()
        if said.findings:
            found = msgspec.convert(said.findings, list[Finding])
            return str(PolicyError(self._source, found))
        if said.error:
            return said.error
        if said.part is not None:
            self._differs(said.part)
        elif said.progress:
            self._state = "on"
        return ""

    def _differs(self, part: dict[str, Any]) -> None:
        after, change = part["after"], part["change"]
        self._counts[change] = self._counts.get(change, 0) + 1
        told = ShadowDiffered(
            version=self._version,
            change=change,
            decision=after["decision"],
            reason_code=after["reason_code"],
            reason=after.get("reason", ""),
            rule=after["rule"] or "",
            wait=round(after.get("wait_seconds", 0.0) * SECOND),
            modifications=written(after.get("modifications", {})),
        )
        names = ("agent_id", "identity_id", "workload_id", "scope_id")
        who = Dimensions(*(part[name] for name in names))
        # The next flush, or the next tick, makes it durable: nobody waits for it.
        self._write(told, who, uuid_bytes(part["intent_id"]))

    def _write(
        self, payload: ShadowDiffered | ShadowTurned, who: Dimensions, intent_id: bytes
    ) -> None:
        self._unwritten.append((payload, who, intent_id))
        self._catch_up()

    def _catch_up(self) -> None:
        """Write down what came while the log could not be written, once it can be again."""
        waiting = self._unwritten
        if self._arbiter.journal.failed is not None:
            while len(waiting) > _KEPT:
                waiting.popleft()
                self._counts["lost"] = self._counts.get("lost", 0) + 1
            return
        while waiting:
            payload, who, intent_id = waiting.popleft()
            self._arbiter.engine.scribe.write(
                self._arbiter.now(), payload, who, intent_id=intent_id
            )

    async def _note(self, payload: ShadowTurned) -> None:
        self._write(payload, DAEMON, b"")
        try:
            await self._arbiter.flush()
        except RatelordError as error:
            _log.warning("what became of the shadow could not be written down: %s", error)
