"""A result as one page: self-contained, no script, no network."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from ratelord_sim.report.plots import decisions_plot, pool_plots, waits_plot
from ratelord_sim.report.style import STYLE
from ratelord_sim.result import Result


def page_of(result: Result) -> str:
    """The page."""
    title = escape(result["scenario"])
    body = "".join(_sections(result))
    return (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n"
    )


def _sections(result: Result) -> Iterator[str]:
    yield _head(result)
    yield _invariants(result)
    for key, words, plot in pool_plots(result):
        yield _figure(f"{key}: use against the limit", words, plot, _POOL_KEY)
    yield _figure("Decisions over time", *decisions_plot(result), _DECISION_KEY)
    yield _figure("How long actions waited", *waits_plot(result), "")
    yield _groups(result)
    yield _facts(result)


_POOL_KEY = (
    '<span class="k used"></span>used, as the provider counts'
    '<span class="k held"></span>promised beside (held)'
    '<span class="k known"></span>used, as the daemon knows'
    '<span class="k limit"></span>limit<span class="k mark"></span>reset'
)
_DECISION_KEY = (
    '<span class="k approved"></span>approved<span class="k modified"></span>told to wait, '
    'or to do it otherwise<span class="k denied"></span>denied'
    '<span class="k errors"></span>no answer'
    '<span class="k refused"></span>refused by the provider'
)


def _head(result: Result) -> str:
    good, totals = result["success"], result["totals"]
    failed = sum(not one["passed"] for one in result["invariants"])
    verdict = "All invariants hold" if good else f"{failed} invariant(s) fail"
    waited = totals["wait_seconds"]["max"]
    longest = "nobody waited" if not waited else f"the longest wait was {_s(waited)}"
    told = (
        f"{_n(totals['agents'])} agents asked {_n(totals['requests'])} times in "
        f"{_s(result['duration_seconds'])}: {_n(totals['approved'])} were approved at once, "
        f"{_n(totals['modified'])} {_changes(totals)}, {_n(totals['denied'])} were denied, "
        f"{_n(totals['errors'])} got no answer. The provider refused "
        f"{_n(totals['provider_refusals'])} of {_n(totals['started'])} actions; {longest}."
    )
    return (
        f"<h1>{escape(result['scenario'])}</h1><p class='lead'>{escape(result['description'])}</p>"
        f"<p class='verdict {'good' if good else 'bad'}'>{verdict}</p><p>{told}</p>"
        f"<p class='fine'>seed {result['seed']} · ratelord {escape(result['version'])} · "
        f"policy {escape(result['policy_version'])} · begins {escape(result['start'])}, "
        "in virtual time</p>"
    )


def _changes(totals: dict[str, Any]) -> str:
    """What those who were allowed with changes were told."""
    told = totals["modifications"]
    if not told.keys() - {"wait"}:
        return "were told to wait"
    return (
        f"were told to do it otherwise ({', '.join(f'{name} {_n(n)}' for name, n in told.items())})"
    )


def _invariants(result: Result) -> str:
    rows = "".join(
        f"<tr class='{'good' if one['passed'] else 'bad'}'><td>{'✓' if one['passed'] else '✗'}</td>"
        f"<td><code>{escape(one['metric'])}</code> {_of(one['scope'])}<br><small>"
        f"{_words(one['why'] or one['about'])}</small></td>"
        f"<td class='n'>{escape(one['condition'])} {one['expected']:g}</td>"
        f"<td class='n'>{_actual(one['actual'])}</td></tr>"
        for one in result["invariants"]
    )
    if not rows:
        return ""
    return (
        "<h2>What must hold</h2><table><thead><tr><th></th><th>metric</th>"
        "<th class='n'>expected</th><th class='n'>measured</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _words(text: str) -> str:
    """A sentence, with what stands in backticks as code."""
    parts = [escape(part) for part in text.split("`")]
    return "".join(f"<code>{part}</code>" if n % 2 else part for n, part in enumerate(parts))


def _actual(value: float | None) -> str:
    return "nothing" if value is None else f"{value:g}"


def _of(scope: str) -> str:
    return "" if scope in ("all", "global") else f"of <code>{escape(scope)}</code>"


def _figure(title: str, words: str, plot: str, key: str) -> str:
    shown = f"<p class='key'>{key}</p>" if key else ""
    return f"<h2>{escape(title)}</h2><p>{escape(words)}</p><figure>{plot}</figure>{shown}"


_COLUMNS = (
    ("agents", "agents"), ("requests", "asked"), ("approved", "approved"),
    ("modified", "changed"), ("redirected", "otherwise"), ("denied", "denied"),
    ("errors", "no answer"), ("succeeded", "done"), ("provider_refusals", "refused"),
    ("units", "units"),
)  # fmt: skip


def _groups(result: Result) -> str:
    head = "".join(f"<th class='n'>{name}</th>" for _, name in _COLUMNS)
    rows = "".join(
        f"<tr><td>{escape(name)}</td>"
        + "".join(f"<td class='n'>{_n(of[key])}</td>" for key, _ in _COLUMNS)
        + "".join(f"<td class='n'>{_s(of['wait_seconds'][part])}</td>" for part in ("p50", "p99"))
        + f"<td class='n'>{_f(of['fairness'])}</td></tr>"
        for name, of in {**result["groups"], "all": result["totals"]}.items()
    )
    return (
        f"<h2>Groups of agents</h2><div class='wide'><table><thead><tr><th>group</th>{head}"
        "<th class='n'>wait p50</th><th class='n'>wait p99</th><th class='n'>fairness</th></tr>"
        f"</thead><tbody>{rows}</tbody></table></div>"
    )


def _facts(result: Result) -> str:
    forecast, drift = result["forecast"], result["drift"]
    circuits, daemon = result["circuits"], result["daemon"]
    facts: list[tuple[str, Any]] = [
        ("over-admissions", daemon["over_admissions"]),
        ("events in the log", daemon["events"]),
        ("restarts of the daemon", "–" if daemon["restarts"] is None else daemon["restarts"]),
        ("forecasts quoted, windows settled", f"{forecast['quotes']}, {forecast['windows']}"),
        ("Brier score", _f(forecast["brier"])),
        ("P90 bounds that held", _f(forecast["coverage"]["p90"])),
        ("P99 bounds that held", _f(forecast["coverage"]["p99"])),
        ("units spent in secret", drift["hidden_units"]),
        ("drift noticed", drift["detections"]),
        ("longest delay until drift was noticed", _s(drift["delay_seconds"]["max"])),
        ("circuits opened, healed", f"{circuits['opened']}, {circuits['healed']}"),
        ("failed polls", circuits["failed_polls"]),
    ]
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td class='n'>{escape(str(value))}</td></tr>"
        for name, value in facts
    )
    return f"<h2>Behind the scenes</h2><table><tbody>{rows}</tbody></table>"


def _n(value: int) -> str:
    return f"{value:,}"


def _f(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _s(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
