"""``ratelord plugins check`` finds every way in which a stranger's plugin is bad, and names it."""

from __future__ import annotations

import json
import textwrap
from typing import Any

import pytest

from ratelord_core import plugins
from ratelord_core.cli.app import run
from ratelord_core.hookspecs import __dict__ as hookspecs
from ratelord_core.plugin_check import THINGS, Checked, check
from ratelord_core.plugins import PluginInfo

GOOD = """
class Kind:
    name = "acme"
    version = "1.0"

    def build(self, config, secret, clock):
        return None
"""
HOOK = """
from ratelord_core import hookimpl

@hookimpl
def ratelord_register_providers():
    {what}
"""

BAD = {
    "raises at import": ("raise RuntimeError('no database')", "load failed: no database"),
    "leaves the program at import": ("raise SystemExit(3)", "load failed: 3"),
    "imports what is not there": ("import no_such_thing", "No module named 'no_such_thing'"),
    "is no Python": ("def (", "load failed"),
    "raises in a hook": (HOOK.format(what="raise KeyError('region')"), "failed: 'region'"),
    "leaves the program in a hook": (HOOK.format(what="raise SystemExit"), "failed: SystemExit"),
    "gives nothing": (HOOK.format(what="return None"), "'NoneType' object is not iterable"),
    "gives something else": (HOOK.format(what="return [7]"), "gave a int without name"),
    "gives half of it": (
        GOOD.replace("def build", "def make") + HOOK.format(what="return [Kind()]"),
        "gave a Kind without build()",
    ),
    "gives what cannot be called": (
        GOOD + "Kind.build = 7\n" + HOOK.format(what="return [Kind()]"),
        "whose build cannot be called",
    ),
    "has a name that is none": (
        GOOD + "Kind.name = 7\n" + HOOK.format(what="return [Kind()]"),
        "whose name is no text",
    ),
    "has a name that is taken": (
        GOOD.replace('"acme"', '"github"') + HOOK.format(what="return [Kind()]"),
        "'providers: github' is taken, plugin github has it too",
    ),
    "has a name twice": (
        GOOD + HOOK.format(what="return [Kind(), Kind()]"),
        "'providers: acme' is taken, it has it twice",
    ),
    "misspells a hook": (
        HOOK.format(what="return []").replace("_providers", "_provider"),
        "ratelord_register_provider",
    ),
    "wants what its hook does not give": (
        HOOK.format(what="return []").replace("():", "(daemon):"),
        "daemon",
    ),
}


def verdict(name: str = "acme") -> Checked:
    return next(one for one in check() if one.plugin.name == name)


@pytest.mark.parametrize("what", BAD)
def test_what_is_wrong_is_said(install, what) -> None:
    code, said = BAD[what]
    install("acme", code)
    found = verdict().plugin
    assert found.state == "broken"
    assert found.error.startswith("plugin acme: ")
    assert said in found.error
    assert "\n" not in found.error
    assert verdict("github").plugin.state == "loaded", "nobody else suffers"


@pytest.mark.parametrize("where", ["import", "hook"])
def test_what_hangs_is_named(install, monkeypatch, where) -> None:
    check()  # what the others import, is imported: it takes longer than they are given below
    forever = "import time\nwhile True: time.sleep(60)"
    inside = textwrap.indent(forever, "    ").lstrip()
    install("acme", forever if where == "import" else HOOK.format(what=inside))
    monkeypatch.setattr(plugins, "HOOK_SECONDS", 2.0)
    found = verdict().plugin
    assert found.state == "broken"
    assert "was still at work after 2 s" in found.error


def test_a_thing_that_holds_a_secret_is_not_shown(install) -> None:
    shy = 'class Kind:\n    def __repr__(self): return "s3cret"\n'
    install("acme", shy + HOOK.format(what="return [Kind()]"))
    assert "s3cret" not in verdict().plugin.error
    with pytest.raises(plugins.PluginError) as caught:
        plugins.load().named("ratelord_register_providers")
    assert "s3cret" not in str(caught.value)


def test_what_is_written_for_another_release_is_said(install) -> None:
    site = install("acme", GOOD + HOOK.format(what="return [Kind()]"))
    metadata = site / "acme_ratelord-1.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text() + "Requires-Dist: ratelord>=99\n")
    assert "is written for ratelord >=99, this is" in verdict().plugin.error


def test_what_will_stop_working_one_day_is_said(install, capsys) -> None:
    old = "import warnings\nwarnings.warn('ratelord_core.old is now new', DeprecationWarning)\n"
    install(
        "acme",
        GOOD + HOOK.format(what=f"{old.splitlines()[0]}; {old.splitlines()[1]}; return [Kind()]"),
    )
    found = verdict()
    assert found.plugin.state == "loaded"
    assert found.warnings == ("ratelord_core.old is now new",)
    assert run(["plugins", "check"]) == 0
    assert "plugin acme: ratelord_core.old is now new" in capsys.readouterr().out


def test_a_good_one_is_listed_with_all_that_there_is_to_know(install, capsys) -> None:
    install("acme", GOOD + HOOK.format(what="return [Kind()]"))
    assert verdict() == Checked(
        PluginInfo(
            "acme",
            "1.0",
            "acme-ratelord",
            ("ratelord_register_providers",),
            "loaded",
            "",
            "unlisted",
        ),
        ("providers: acme",),
    )
    assert run(["plugins", "list", "--json"]) == 0
    row: dict[str, Any] = next(
        one for one in json.loads(capsys.readouterr().out) if one["name"] == "acme"
    )
    assert row == {
        "name": "acme",
        "version": "1.0",
        "distribution": "acme-ratelord",
        "hooks": ["ratelord_register_providers"],
        "state": "loaded",
        "error": "",
        "trust": "unlisted",
    }


def test_every_hook_is_known_here() -> None:
    hooks = {name for name in hookspecs if name.startswith("ratelord_register_")}
    assert {f"ratelord_register_{things}" for things in THINGS} == hooks


def test_ours_are_good() -> None:
    assert {one.plugin.state for one in check() if one.plugin.trust == "built-in"} == {"loaded"}
