"""A backtest as one page of HTML that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Final

from ratelord_core.hindsight.answer import CHANGES
from ratelord_core.hindsight.style import STYLE
from ratelord_core.hindsight.words import HEADINGS, MEANING, answered, lead, sides

_WIDE: Final = 900
_HIGH: Final = 120
_EDGE: Final = 44


def page(found: dict[str, Any]) -> str:
    """The page of what ``backtest`` gave."""
    title = f"Policy backtest · {found['policy']['source']}"
    versions = ", ".join(each["version"] or "none" for each in found["against"])
    span = f"Questions from {_at(found['from'])} to {_at(found['to'])}"
    anew = f"and, once more, by <code>{escape(found['policy']['version'])}</code>"
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="lead">{escape(lead(found))}</p>',
        f"<p>{span}, answered by policy <code>{escape(versions)}</code> {anew}.</p>",
        *(f'<p class="note">{escape(note)}</p>' for note in found["notes"]),
        _kinds(found["changes"]),
        _section("Before and after", _table(("", "as it was", "candidate"), sides(found))),
        _section("Over time", _series(found["series"])),
        _section("Pools", _pools(found["pools"])),
        _section("Rules that decided", _rules(found["rules"])),
        *(_who(name, found["by"][name]) for name in HEADINGS),
        _section("Examples", _examples(found["examples"])),
    ]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
    )
    return (
        f'<!doctype html><html lang="en"><head>{head}</head>'
        f"<body><main>{''.join(body)}</main></body></html>"
    )


def _kinds(changes: dict[str, int]) -> str:
    cards = [
        f'<div class="card {kind}"><b>{changes[kind]:,}</b>{MEANING[kind]}</div>'
        for kind in CHANGES
        if changes.get(kind)
    ]
    return f'<div class="cards">{"".join(cards)}</div>' if cards else ""


def _section(heading: str, content: str) -> str:
    return f"<section><h2>{heading}</h2>{content}</section>" if content else ""


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    ]
    if not lines:
        return ""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    body = "".join(lines)
    inside = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="wide"><table>{inside}</table></div>'


def _series(series: dict[str, Any]) -> str:
    before, after = series["before"], series["after"]
    if not before:
        return ""
    most = max(
        max((a + d for a, d in zip(side["allowed"], side["denied"], strict=True)), default=0)
        for side in (before, after)
    )
    plots = [
        f"<figure><figcaption>{name}</figcaption>{_bars(side, most or 1, name)}</figure>"
        for name, side in (("as it was", before), ("candidate", after))
    ]
    key = '<p class="key"><i class="allowed"></i>approved <i class="denied"></i>denied · '
    step = f"questions in steps of {series['step_seconds']:,} s from {_at(series['from'])}</p>"
    return "".join(plots) + key + step


def _bars(side: dict[str, list[int]], most: int, name: str) -> str:
    """Bars of approvals, with denials on top; the same scale for both sides."""
    count = len(side["allowed"])
    width = (_WIDE - _EDGE) / max(1, count)
    bars = []
    for place, (allowed, denied) in enumerate(zip(side["allowed"], side["denied"], strict=True)):
        x, top = _EDGE + place * width, float(_HIGH)
        for kind, number in (("allowed", allowed), ("denied", denied)):
            high = number / most * _HIGH
            top -= high
            if number:
                size = f'width="{max(0.5, width - 0.5):.2f}" height="{high:.2f}"'
                bars.append(f'<rect class="{kind}" x="{x:.2f}" y="{top:.2f}" {size}/>')
    axis = (
        f'<text x="{_EDGE - 6}" y="10" class="up">{most:,}</text>'
        f'<text x="{_EDGE - 6}" y="{_HIGH}" class="up">0</text>'
    )
    view = f'viewBox="0 0 {_WIDE} {_HIGH + 4}"'
    return f'<svg {view} role="img" aria-label="answers, {name}">{axis}{"".join(bars)}</svg>'


def _pools(pools: list[dict[str, Any]]) -> str:
    columns = (
        "pool", "unit", "used", "used, candidate", "ran dry", "ran dry, candidate", "avoided",
        "caused",
    )  # fmt: skip
    rows = [
        (
            pool["pool"],
            pool["unit"],
            f"{pool['used_before']:,}",
            f"{pool['used_after']:,}",
            str(pool["exhaustions_before"]),
            str(pool["exhaustions_after"]),
            _spells(pool["avoided"]),
            _spells(pool["caused"]),
        )
        for pool in pools
    ]
    return _table(columns, rows)


def _spells(spells: list[dict[str, str]]) -> str:
    if not spells:
        return "–"
    first = _at(spells[0]["from"])
    return f"{len(spells)}, first {first}" if len(spells) > 1 else first


def _rules(rules: list[dict[str, Any]]) -> str:
    rows = [(one["rule"], f"{one['before']:,}", f"{one['after']:,}") for one in rules]
    return _table(("rule", "as it was", "candidate"), rows)


def _who(name: str, rows: list[dict[str, Any]]) -> str:
    columns = ("", "asked", "changed", *CHANGES)
    told = [
        (
            row["id"],
            f"{row['asked']:,}",
            f"{row['changed']:,}",
            *(f"{row[kind]:,}" if row[kind] else "" for kind in CHANGES),
        )
        for row in rows
    ]
    return _section(HEADINGS[name], _table(columns, told))


def _examples(examples: list[dict[str, Any]]) -> str:
    columns = ("when", "who", "what", "where", "as it was", "candidate")
    rows = [
        (
            _at(one["at"]),
            f"{one['agent_id']} as {one['identity_id']}",
            f"{one['workload_id']} ({one['urgency']})",
            one["scope_id"],
            answered(one["before"]),
            answered(one["after"]),
        )
        for one in examples
    ]
    return _table(columns, rows)


def _at(stamp: str | None) -> str:
    """A timestamp, to the second."""
    return "–" if stamp is None else stamp[:19].replace("T", " ")
