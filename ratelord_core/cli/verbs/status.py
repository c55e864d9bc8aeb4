"""``ratelord status``: how the daemon is."""

from __future__ import annotations

from typing import Any

from cyclopts import App

from ratelord_core.cli import words
from ratelord_core.cli.door import open_client
from ratelord_core.cli.options import LOOK, Json
from ratelord_core.cli.outcome import DONE
from ratelord_core.cli.screen import LEVEL_STYLES, print_json, print_table, say


def register(app: App) -> None:
    """Add the verb."""
    app.command(status, group=LOOK)


def status(*, json: Json = False) -> int:
    """Show how the daemon is."""
    with open_client() as client:
        health = client.health()
    if json:
        print_json(health)
    else:
        _show(health)
    return DONE


def _show(health: dict[str, Any]) -> None:
    state = words.plain(health.get("status", "unknown"))
    system = words.plain(health.get("system_status", "unknown"))
    say(
        f"ratelord {words.plain(health.get('version', '?'))} is {state}; the system is {system}, "
        f"risk {health.get('risk_score', 0)} of 100.",
        LEVEL_STYLES.get(state if state != "ok" else system),
    )
    say(
        f"{words.plain(health.get('role', '?'))}, up {words.span(health.get('uptime_seconds'))}, "
        f"{words.number(health.get('seq'))} events in the log, "
        f"policy {words.plain(health.get('policy_version') or 'built-in')[:12]}."
    )
    if health.get("policy_error"):
        say(f"The policy file is not in force: {words.plain(health['policy_error'])}", "red")
    for failed in health.get("failed_models") or ():
        say(_failed(failed), "red")
    for failed in health.get("failed_controllers") or ():
        say(_unpaced(failed), "yellow")
    providers = health.get("providers") or {}
    if providers:
        print_table(
            ("provider", "plugin", "state", "last poll", "next poll", "last error"),
            [_provider(name, row) for name, row in sorted(providers.items())],
        )


def _failed(row: Any) -> str:
    model, pool, error, meanwhile, step = (
        words.plain(row.get(name) or "?")
        for name in ("model_id", "pool", "error", "meanwhile", "next_step")
    )
    return (
        f"The forecast model {model} failed for {pool} {words.since(row.get('since'))} ({error}): "
        f"{meanwhile}. It is tried again at {words.plain(row.get('next_try') or '?')}; {step}."
    )


def _unpaced(row: Any) -> str:
    algorithm, rule, policy, pool, error, meanwhile, step = (
        words.plain(row.get(name) or "?")
        for name in ("algorithm", "rule", "policy_id", "pool", "error", "meanwhile", "next_step")
    )
    return (
        f"The controller {algorithm} of rule {rule!r} of {policy!r} failed for {pool} "
        f"{words.since(row.get('since')) if row.get('since') else 'from the start'} ({error}): "
        f"{meanwhile}; {step}."
    )


def _provider(name: str, row: Any) -> list[str]:
    if not isinstance(row, dict):
        return [words.plain(name), "", words.plain(row), "", "", ""]
    return [
        words.plain(name),
        words.plain(row.get("plugin") or ""),
        words.plain(row.get("state") or "unknown"),
        words.since(row.get("last_success")),
        words.until(row.get("next_poll")),
        words.plain(row.get("last_error") or ""),
    ]
