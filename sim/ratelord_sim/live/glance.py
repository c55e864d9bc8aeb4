"""What the daemon's own readers show of its pools, now and then."""

from __future__ import annotations

from typing import Any

from ratelord import AsyncClient, RatelordError
from ratelord_core.model.instant import SECOND, Micros
from ratelord_sim.live.pacing import LiveStage
from ratelord_sim.measure.series import Series
from ratelord_sim.stage import Process

_PAUSE = SECOND // 4
"""Between two looks, in life."""


class LiveSeries(Series):
    """Takes what the daemon knows from the last look at it."""

    def see(self, pools: list[dict[str, Any]]) -> None:
        """These are the daemon's pools."""
        self._seen = {f"{one['provider_id']}/{one['pool_id']}": one for one in pools}

    def _known(self, key: str) -> tuple[int, int]:
        one = getattr(self, "_seen", {}).get(key, {})
        return int(one.get("used") or 0), int(one.get("held") or 0)


def keep_looking(stage: LiveStage, client: AsyncClient, series: LiveSeries) -> Process:
    """Look at the daemon's pools for as long as the play lasts."""

    async def look() -> None:
        try:
            series.see(await client.pools())
        except RatelordError:
            return  # what was seen last stands

    pause: Micros = round(_PAUSE * stage.speed)
    while True:
        stage.begin(look)
        yield pause
