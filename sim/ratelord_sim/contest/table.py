"""Rounds as tables: loads down, controllers across, and the best known one seed by seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ratelord_sim.contest.round import Round, mean, mean_used

Cell = Callable[[Sequence[Round]], str]
NOTHING = "–"


def use(rounds: Sequence[Round]) -> str:
    """What was used of each pool, and refusals a window: ``99.4 · 79.8 / 0``."""
    shares = " · ".join(f"{100 * share:.1f}" for share in mean_used(rounds).values())
    return f"{shares or NOTHING} / {number(mean(rounds, lambda one: one.refusals), 2)}"


def fairness(rounds: Sequence[Round]) -> str:
    """Jain's index, and the least of any seed where it is another: ``0.996 (0.994)``."""
    return _with_worst(rounds, lambda one: one.fairness, min, 3)


def variation(rounds: Sequence[Round]) -> str:
    """How unevenly the fullest pool was used, and the most of any seed: ``0.08 (0.09)``."""
    return _with_worst(rounds, lambda one: one.variation, max, 2)


def wait(rounds: Sequence[Round]) -> str:
    """The mean wait in seconds."""
    return number(mean(rounds, lambda one: one.wait), 2)


TABLES: tuple[tuple[str, Cell], ...] = (
    ("Used when windows ended (% of each pool's limit) / refusals by the provider a window:", use),
    ("Jain's index of units by agents' weights (in brackets the least of any seed):", fairness),
    ("Variation of use (in brackets the most of any seed):", variation),
    ("Mean wait of those who were let in, in seconds:", wait),
)  # fmt: skip
"""What is shown of a contest, table by table."""


def rows(rounds: Sequence[Round], cell: Cell) -> list[list[str]]:
    """A line for each load, a cell for each controller."""
    return [
        [load, *(cell(of(rounds, load, controller)) for controller in controllers(rounds))]
        for load in loads(rounds)
    ]


def by_seed(rounds: Sequence[Round], controller: str) -> list[list[str]]:
    """A line for each load, a cell for each seed: used / refusals / Jain's index / variation."""
    lines = []
    for load in loads(rounds):
        each = [[one] for one in of(rounds, load, controller)]
        lines.append([load, *(seed_cell(one) for one in each)])
    return lines


def seed_cell(rounds: Sequence[Round]) -> str:
    """One seed of one load in all that counts."""
    return f"{use(rounds)} / {fairness(rounds)} / {variation(rounds)}"


def markdown(rounds: Sequence[Round]) -> str:
    """All tables for a page."""
    seeds = sorted({one.seed for one in rounds})
    names = controllers(rounds)
    text = "".join(
        f"{title}\n\n{_markdown(('load', *(f'`{name}`' for name in names)), rows(rounds, cell))}\n"
        for title, cell in TABLES
    )
    last = names[-1]
    head = ("load", *(f"seed {seed}" for seed in seeds))
    title = f"`{last}` seed by seed: used / refusals / Jain's index / variation:"
    return f"{text}{title}\n\n{_markdown(head, by_seed(rounds, last))}"


def loads(rounds: Iterable[Round]) -> list[str]:
    """The loads, in the order in which they were played."""
    return list(dict.fromkeys(one.load for one in rounds))


def controllers(rounds: Iterable[Round]) -> list[str]:
    """The controllers, likewise."""
    return list(dict.fromkeys(one.controller for one in rounds))


def of(rounds: Iterable[Round], load: str, controller: str) -> list[Round]:
    """The rounds of one controller on one load."""
    return [one for one in rounds if (one.load, one.controller) == (load, controller)]


def number(value: float | None, digits: int) -> str:
    """A number without idle zeros."""
    if value is None:
        return NOTHING
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:.0f}"


def _with_worst(
    rounds: Sequence[Round],
    value: Callable[[Round], float | None],
    worst: Callable[[Iterable[float]], float],
    digits: int,
) -> str:
    found = [each for one in rounds if (each := value(one)) is not None]
    usual = mean(rounds, value)
    if usual is None or len(found) == 1:
        return NOTHING if usual is None else f"{usual:.{digits}f}"
    return f"{usual:.{digits}f} ({worst(found):.{digits}f})"


def _markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    table = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in table)
