"""``ratelord plugins``: what is installed, and whether it works."""

from __future__ import annotations

from cyclopts import App

from ratelord_core.cli import words
from ratelord_core.cli.options import LOOK, Json
from ratelord_core.cli.outcome import DONE, FAILED
from ratelord_core.cli.screen import print_json, print_table, say


def register(app: App) -> None:
    """Add the verb."""
    verb = App(
        name="plugins",
        help="List the installed plugins and their hooks, or check them.",
        group=LOOK,
    )
    verb.default(list_)
    verb.command(list_, name="list")
    verb.command(check)
    app.command(verb)


def list_(*, json: Json = False) -> int:
    """List the installed plugins with the hooks that they implement. Needs no daemon."""
    import msgspec

    from ratelord_core.plugins import survey

    found = survey()
    if json:
        print_json(msgspec.to_builtins(found))
    else:
        print_table(
            ("plugin", "version", "distribution", "trust", "state", "hooks"),
            [
                [
                    info.name,
                    info.version,
                    info.distribution,
                    info.trust,
                    info.state,
                    words.plain(
                        info.error
                        or ", ".join(hook.removeprefix("ratelord_register_") for hook in info.hooks)
                    ),
                ]
                for info in found
            ],
        )
    return DONE


def check(*, json: Json = False) -> int:
    """Load every plugin as the daemon would, and ask for all that it registers.

    Exit code 1 if one cannot be used: it raises or hangs, registers what its hook is not for or a
    name that is taken, or is written for another release.
    """
    import msgspec

    from ratelord_core.plugin_check import check as check_all

    checked = check_all()
    found = [one.plugin for one in checked]
    broken = [info for info in found if info.state == "broken"]
    for one in () if json else checked:
        for warning in one.warnings:
            say(f"! plugin {one.plugin.name}: {words.plain(warning)}", "yellow")
    if json:
        warned = {one.plugin.name: one.warnings for one in checked if one.warnings}
        plugins = msgspec.to_builtins(found)
        print_json({"valid": not broken, "plugins": plugins, "warnings": warned})
    elif broken:
        for info in broken:
            say(f"✗ {words.plain(info.error)}", "red")
    else:
        say(f"All {words.count(len(found), 'plugin')} can be used.", "green")
    return FAILED if broken else DONE
