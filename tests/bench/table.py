"""The figures as a person reads them, and as a program does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure; ``sign`` and ``aim`` say what it is meant to reach (none: it is only for scale)."""

    what: str
    value: float
    sign: str = ""
    aim: float | None = None

    @property
    def reached(self) -> bool | None:
        """Whether it is; None when there is no aim."""
        if self.aim is None:
            return None
        return self.value >= self.aim if self.sign == ">=" else self.value <= self.aim

    def plain(self) -> dict[str, object]:
        """For JSON."""
        return {
            "what": self.what,
            "value": self.value,
            "sign": self.sign,
            "aim": self.aim,
            "reached": self.reached,
        }


def show(rows: list[Row]) -> str:
    """An aligned table."""
    width = max(len(row.what) for row in rows)
    lines = [f"{'what':<{width}}  {'measured':>10}  {'aim':>10}  "]
    for row in rows:
        aim = "" if row.aim is None else f"{row.sign} {row.aim:g}"
        mark = {True: "reached", False: "not reached", None: ""}[row.reached]
        lines.append(f"{row.what:<{width}}  {row.value:>10.3g}  {aim:>10}  {mark}".rstrip())
    return "\n".join(lines)
