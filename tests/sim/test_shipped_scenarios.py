"""Every shipped scenario holds, and fails once the mechanism that it argues for is taken away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ratelord_core.engine.folds import intents
from ratelord_core.engine.observer import Observer
from ratelord_core.engine.polling import Polling
from ratelord_core.engine.substitution import Found, Substitution
from ratelord_core.ledger import calendar, windows
from ratelord_core.ledger.account import Account
from ratelord_core.ledger.bucket import BucketAccount
from ratelord_core.ledger.hold import Leg, Reconciled
from ratelord_core.ledger.period import PeriodAccount
from ratelord_core.ledger.shares import Shares
from ratelord_core.model.instant import Micros
from ratelord_core.model.window import CalendarUnit
from ratelord_core.parts import Parts
from ratelord_core.projections.answers import Answers
from ratelord_core.watch.schedule import Schedule
from ratelord_sim.daemon import Daemon
from ratelord_sim.library import shipped
from ratelord_sim.play import play
from ratelord_sim.result import Result
from ratelord_sim.scenario.reader import read_file

Patch = pytest.MonkeyPatch


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_scenario_holds(name: str, installed: Parts) -> None:
    result = play(read_file(shipped()[name], installed), installed)

    assert not broken(result)
    assert result["success"]


def broken(result: Result) -> list[str]:
    """The invariants that do not hold."""
    return [f"{one['metric']}@{one['scope']}" for one in result["invariants"] if not one["passed"]]


@pytest.fixture
def without(monkeypatch: Patch, installed: Parts, tmp_path: Path) -> Callable[..., list[str]]:
    """Plays a shipped scenario without a part of the engine (``owner.name`` is replaced), or with
    some of its words replaced; what then breaks."""

    def playing(name: str, *changes: tuple[Any, str, Any] | tuple[str, str]) -> list[str]:
        text = shipped()[name].read_text(encoding="utf-8")
        for change in changes:
            if len(change) == 2:
                assert change[0] in text
                text = text.replace(*change)
            else:
                monkeypatch.setattr(*change)
        file = tmp_path / "it.yaml"
        file.write_text(text, encoding="utf-8")
        return broken(play(read_file(file, installed), installed))

    return playing


Without = Callable[..., list[str]]


def test_without_spacing_the_herd_starts_all_at_once(without: Without) -> None:
    failed = without("s01-thundering-herd", (Account, "spacing", lambda *_: 0))

    assert "crowding@all" in failed


def test_without_waits_the_herd_is_turned_away(without: Without) -> None:
    failed = without("s01-thundering-herd", ("    hint: 5s", "    max_wait: 0s\n    hint: 5s"))

    assert "denied@all" in failed


def test_without_adopting_what_the_provider_says_agents_run_into_refusals(
    without: Without,
) -> None:
    failed = without("s02-drift-and-correction", (PeriodAccount, "_adopt", lambda *_: Reconciled()))

    assert {"provider_refusals@all", "drift_detections@all"} <= set(failed)


def test_without_drift_in_the_log_no_forecast_takes_fright(without: Without) -> None:
    failed = without("s02-drift-and-correction", (Observer, "_note_drift", lambda *_: None))

    assert {"drift_detections@all", "drift_tightened@all"} <= set(failed)


def test_without_urgency_people_queue_behind_the_flood(without: Without) -> None:
    failed = without(
        "s03-priority-inversion", ("priority: low, ", ""), ("priority: critical, ", "")
    )

    assert "immediate_rate@person" in failed


def test_without_reserve_and_shedding_urgency_is_but_a_word(without: Without) -> None:
    failed = without(
        "s03-priority-inversion",
        ("priority: low, ", ""),
        ("agents:", "policy: {settings: {high_reserve_percent: 0}}\nagents:"),
    )

    assert "immediate_rate@person" in failed


def test_without_shares_of_later_windows_noise_wins(without: Without) -> None:
    failed = without(
        "s04-noisy-neighbour-shared", (PeriodAccount, "_within_share", lambda *_: True)
    )

    assert "fairness@all" in failed


def test_without_a_key_of_their_own_the_noisy_are_felt(without: Without) -> None:
    failed = without("s04-noisy-neighbour-isolated", ("identity: key:b, ", "identity: key:a, "))

    assert {"wait_max@quiet", "immediate_rate@quiet"} <= set(failed)


def test_without_a_circuit_agents_hammer_on_a_provider_that_is_down(without: Without) -> None:
    failed = without("s05-cascading-failure", (Polling, "is_stale", lambda *_: False))

    assert "calls_while_open@all" in failed


def test_without_backoff_polls_hammer_on_it(without: Without) -> None:
    failed = without(
        "s05-cascading-failure",
        (Schedule, "after_failure", lambda self, now, *_: now + self.interval),
    )

    assert {"failed_polls@all", "backoff@all"} <= set(failed)


def test_without_a_budget_for_each_pool_whoever_uses_rest_is_hurt(without: Without) -> None:
    failed = without("s06-two-github-pools", ("{github/core: 1}", "{github/graphql: 1}"))

    assert "immediate_rate@reviewer" in failed


def test_without_counting_what_is_held_a_crowd_runs_into_the_limit(without: Without) -> None:
    failed = without(
        "s07-one-key-for-all", (PeriodAccount, "_taken", lambda *_: 0), ("150s", "70s")
    )

    assert {"provider_refusals@all", "over_admissions@all"} <= set(failed)


def test_without_reports_tokens_that_nobody_used_are_lost(without: Without) -> None:
    failed = without("s08-token-rush", ("hint: 10s", "hint: 60s, honesty: silent"))

    assert "units@all" in failed


def test_without_its_log_a_daemon_decides_again_what_it_had_decided(without: Without) -> None:
    failed = without("s09-crash-mid-rush", (Daemon, "replayed", lambda self: self._blank.state()))

    assert {"provider_refusals@all", "replay_differs@all"} <= set(failed)


def test_without_remembering_keys_a_repeated_question_is_held_for_twice(without: Without) -> None:
    failed = without("s10-lost-replies", (Answers, "find", lambda *_: None))

    assert "decided_twice@all" in failed


def test_without_charging_silence_a_pool_is_promised_twice(without: Without) -> None:
    charged = Account.settle

    def let_go(account: Account, leg: Leg, used: int, at: Micros) -> None:
        charged(account, leg, 0 if at == leg.end else used, at)

    failed = without("s11-nobody-reports", (Account, "settle", let_go))

    assert "provider_refusals@all" in failed


def test_without_the_zone_the_day_ends_at_the_wrong_hour(without: Without) -> None:
    failed = without("s12-budget-across-summer-time", (windows, "next_boundary", _in_utc))

    assert "immediate_rate@phase:after-midnight" in failed


def _in_utc(after: Micros, unit: CalendarUnit, _timezone: str) -> Micros:
    return calendar.next_boundary(after, unit, "UTC")


def test_without_counting_on_both_sides_of_the_edge_a_burst_runs_into_refusals(
    without: Without,
) -> None:
    failed = without("s13-burst-at-the-reset", (windows, "guard_of", lambda _: 0))

    assert "provider_refusals@all" in failed


def test_without_a_place_for_those_turned_away_a_head_start_takes_all(without: Without) -> None:
    failed = without("s14-always-a-moment-too-late", (intents, "_queue_up", lambda *_: None))

    assert failed == ["fairness@all"]


def test_without_shares_of_what_comes_back_whoever_asks_most_gets_it(without: Without) -> None:
    failed = without("s16-noisy-neighbour-rolling", (Shares, "turn", _at_once))

    assert failed == ["fairness@all"]


def _at_once(_shares: Shares, start: Micros, *_: Any) -> Micros:
    return start


def test_without_believing_that_the_calendar_turned_its_first_numbers_are_lost(
    without: Without,
) -> None:
    failed = without("s15-read-as-the-calendar-turns", (PeriodAccount, "_learn_turn", _not_at_all))

    assert "provider_refusals@all" in failed


def _not_at_all(*_: Any) -> None:
    """Do nothing."""


def test_without_allowing_for_the_way_of_a_number_a_bucket_is_filled_twice(
    without: Without,
) -> None:
    adopting = BucketAccount._adopt

    def later(
        account: BucketAccount, remaining: int, dated: Micros, now: Micros, *flags: bool
    ) -> Reconciled:
        flown = (account.limit or 0) * max(0, now - dated)
        account.level = remaining * account.every + flown
        return adopting(account, remaining, dated, now, *flags)

    failed = without("s19-a-number-on-its-way", (BucketAccount, "_adopt", later))

    assert failed == ["provider_refusals@all"]


def test_without_other_ways_a_crew_is_turned_away_beside_an_idle_key(without: Without) -> None:
    failed = without("s17-a-second-key", (Substitution, "find", _as_asked))

    assert {"redirected@all", "served_rate@all"} <= set(failed)


def test_agents_that_only_wait_run_into_refusals_where_they_are_sent_elsewhere(
    without: Without,
) -> None:
    failed = without("s17-a-second-key", ("max_wait: 20s", "max_wait: 20s, obeys: [wait]"))

    assert {"redirected@all", "provider_refusals@all"} <= set(failed)


def test_without_smaller_ways_work_stands_still(without: Without) -> None:
    failed = without("s18-do-less", (Substitution, "find", _as_asked))

    assert {"redirected@crawler", "redirected@writer", "served_rate@all"} <= set(failed)


def test_agents_that_will_not_do_less_run_into_refusals(without: Without) -> None:
    failed = without(
        "s18-do-less",
        ("workload: summary, ", "workload: summary, obeys: {degrade: 0}, "),
    )

    assert "provider_refusals@all" in failed


def _as_asked(substitution: Substitution) -> Found:
    return Found(substitution._asked)


def test_without_knowing_that_it_is_blind_all_goes_on_as_before(without: Without) -> None:
    failed = without("s26-blind-for-a-minute", (Polling, "is_stale", lambda *_: False))

    assert "calls_while_open@all" in failed


def test_without_its_log_a_blind_daemon_promises_again_what_it_had_promised(
    without: Without,
) -> None:
    failed = without(
        "s26-blind-for-a-minute", (Daemon, "replayed", lambda self: self._blank.state())
    )

    assert {"provider_refusals@all", "replay_differs@all"} <= set(failed)
