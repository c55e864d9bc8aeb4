"""Settles intents: what they really cost, or that they last longer."""

from __future__ import annotations

import msgspec

from ratelord_core.engine.bill import Bill
from ratelord_core.engine.scribe import Scribe
from ratelord_core.engine.state import State
from ratelord_core.engine.units import settled_units, shared_key
from ratelord_core.errors import Conflict, NotFound
from ratelord_core.events.payloads import HoldExtended, IntentReported
from ratelord_core.ledger import Hold, Settlement
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.ids import split_pool_key, uuid_bytes
from ratelord_core.model.instant import Micros
from ratelord_core.model.intent import Report
from ratelord_core.model.pool import declared_key
from ratelord_core.model.views import ReportView, SettledHold


class Reported(msgspec.Struct, frozen=True):
    """What a report did. ``duplicate``: the same one had been taken before."""

    settlement: Settlement
    duplicate: bool = False

    def view(self, intent_id: str, outcome: str, warnings: tuple[str, ...]) -> ReportView:
        """What the reporter is told."""
        lines = tuple(
            SettledHold(*split_pool_key(line.pool), line.held, line.used)
            for line in self.settlement.lines
        )
        late, again = self.settlement.late, self.duplicate
        return ReportView(intent_id, outcome, lines, late, again, warnings)


class Settler:
    """Ends holds, or lets them live longer."""

    def __init__(self, state: State, scribe: Scribe) -> None:
        self.state = state
        self.scribe = scribe

    def report(
        self, intent_id: str, report: Report, digest: str, now: Micros, door: str
    ) -> Reported | None:
        """Settle an intent; None if nobody here remembers it (the log may). Raises ``Conflict``
        for a second report that differs from the first."""
        self.scribe.turn(now)
        hold = self.state.ledger.find(intent_id)
        if hold is None:
            return None
        if hold.report is not None:
            if hold.report != digest:
                raise Conflict(
                    f"intent {intent_id} was already reported with other content",
                    code="report_differs",
                )
            lines = tuple(hold.resolved[pool] for pool in sorted(hold.resolved))
            return Reported(Settlement(lines, late=False), duplicate=True)
        settled, told, cost = self._settled(hold, report)
        event = IntentReported(
            outcome=report.outcome,
            cost=cost,
            settled=settled,
            learn=bool(told),
            assumed=tuple([pool for pool, _ in settled if pool not in told]) if told else (),
            late=bool(hold.resolved),
            body=digest,
        )
        settlement = self.scribe.write(
            now, event, self._dimensions(hold), door=door, intent_id=uuid_bytes(intent_id)
        )
        return Reported(settlement)

    def _settled(
        self, hold: Hold, report: Report
    ) -> tuple[tuple[tuple[str, int], ...], tuple[str, ...], int]:
        """Units by pool, the pools of which the report told the real cost, and what it came to in
        micro-USD (-1: nobody knows a price)."""
        held = {pool: leg.units for pool, leg in hold.legs.items()}
        held |= {pool: gone.held for pool, gone in hold.resolved.items()}
        if report.outcome == "cancelled":
            return (
                tuple((pool, 0) for pool in sorted(held)),
                (),
                0 if self.state.prices.lists else -1,
            )
        workload = self.state.topology.workloads.get(hold.asker.workload)
        consumes = workload.consumes if workload else {}
        identity = hold.asker.party[1]
        settled = []
        for pool in sorted(held):
            per_call = consumes.get(pool, consumes.get(shared_key(pool, identity), 1.0))
            units = settled_units(pool, held[pool], report, per_call, self._short(pool))
            settled.append((pool, units))
        costs = report.costs
        told = [p for p in held if report.actual_cost is not None or declared_key(p) in costs]
        told += [p for p in held if p not in told and self._short(p) in costs]
        cost = -1
        if self.state.prices.lists:
            settled, priced, cost = Bill(self.state, hold, report, consumes).of(settled)
            told += [pool for pool in priced if pool not in told]
        return tuple(settled), tuple(sorted(told)) if report.outcome == "success" else (), cost

    def _short(self, pool: str) -> str:
        return self.state.ledger.accounts[pool].pool.short_key

    def _dimensions(self, hold: Hold) -> Dimensions:
        agent, identity, scope = hold.asker.party
        return Dimensions(agent, identity, hold.asker.workload, scope)

    def extend(self, intent_id: str, span: Micros, now: Micros, door: str) -> Micros:
        """Let an intent's holds live until ``span`` from now (or longer, if they do already); when
        the first of them ends then."""
        self.scribe.turn(now)
        hold = self.state.ledger.holds.get(intent_id)
        if hold is None:
            known = self.state.ledger.find(intent_id)
            if known is None:
                raise NotFound(f"no open hold for intent {intent_id}")
            raise Conflict(f"intent {intent_id} has ended; ask again", code="hold_ended")
        end = max(now, hold.start) + span
        if not self.state.ledger.extendable(intent_id, end, now):
            raise Conflict(
                f"a longer hold for intent {intent_id} does not fit beside what was promised; "
                "finish or ask again",
                code="extension_does_not_fit",
            )
        event = HoldExtended(intent_id=intent_id, expires_at=end)
        self.scribe.write(
            now, event, self._dimensions(hold), door=door, intent_id=uuid_bytes(intent_id)
        )
        return min(leg.end for leg in hold.legs.values())
