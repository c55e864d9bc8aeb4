"""``ratelord demo``: see it work, before anything is set up."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter, validators

from ratelord_core.cli.options import START, Json


def register(app: App) -> None:
    """Add the verb."""
    app.command(demo, group=START)


def demo(
    *,
    seconds: Annotated[float, Parameter(validator=validators.Number(gt=0))] = 16.0,
    json: Json = False,
) -> int:
    """See it work: a daemon of its own, three agents, and a pool that runs dry. Ends by itself.

    Parameters
    ----------
    seconds
        How long it plays.
    """
    from ratelord_core.cli.demo.play import play
    from ratelord_core.cli.demo.show import JsonShow, PlainShow

    return play(JsonShow() if json else PlainShow(), seconds)
