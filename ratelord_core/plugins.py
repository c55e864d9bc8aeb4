"""Gather one daemon's plugins: from entry points, minus those left out; fail closed."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import msgspec
import pluggy
from msgspec.structs import replace

from ratelord_core import hookspecs
from ratelord_core.errors import PluginError
from ratelord_core.guarded import guard
from ratelord_core.patience import Overran, at_most
from ratelord_core.policy.shaping import with_controllers
from ratelord_core.trust import VARIABLE, AllowList, Trust, allow_list

GROUP = "ratelord"
"""The entry-point group of every plugin, ours and strangers'."""
HOOK_SECONDS = 30.0
"""How long a plugin may take to be imported, or to register its things. It is the clock on the
wall that counts: while others have the processor, too."""
CALL_SECONDS = 1.0
"""How long one call of a stranger's thing, or one step of a coroutine between two waits, may take.
An ordinary call takes microseconds; this is for what would never end, not for what is slow."""
DECIDING = frozenset(
    f"ratelord_register_{things}"
    for things in (
        "delay_controllers",
        "exporters",
        "forecast_models",
        "graphs",
        "policy_actions",
        "providers",
        "transports",
    )
)
"""Hooks whose things are called by the loop that decides: strangers' are guarded."""

_FUNCTIONS = "ratelord_register_condition_functions"
_log = logging.getLogger(__name__)


class PluginInfo(msgspec.Struct, frozen=True):
    """A plugin as listed: its name, version, distribution, the hooks it implements, its state
    (``loaded``, ``left out``, ``not allowed``, ``broken``, or ``skipped`` because a hook of it did
    not end) and whether the owner's list names its distribution."""

    name: str
    version: str
    distribution: str
    hooks: tuple[str, ...] = ()
    state: str = "loaded"
    error: str = ""
    trust: Trust = "unlisted"


class Plugins:
    """The plugins of one daemon, loaded and checked, ready to be asked."""

    def __init__(self, manager: pluggy.PluginManager, listed: tuple[PluginInfo, ...]) -> None:
        self._manager = manager
        self.listed = listed

    def gather(self, hook: str) -> list[tuple[str, Any]]:
        """What every plugin registers under a hook: (plugin name, thing), in plugin-name order."""
        found: list[tuple[str, Any]] = []
        implementations = getattr(self._manager.hook, hook).get_hookimpls()
        for implementation in sorted(implementations, key=lambda impl: impl.plugin_name):
            name = implementation.plugin_name
            try:
                with at_most(HOOK_SECONDS, f"plugin {name}: {hook}"):
                    things = list(implementation.function())
            except Overran as error:
                self._skip(name, hook, error)
                continue
            except (Exception, SystemExit) as error:
                raise PluginError(_cannot(name, hook, error)) from error
            found += [(name, self._guarded(name, hook, thing)) for thing in things]
        return found

    def _skip(self, name: str, hook: str, error: Overran) -> None:
        """Go on without what a hook would have registered: who names it will not find it."""
        _log.error("%s; nothing of it is used", error)
        self._manager.unregister(name=name)
        self.listed = tuple(
            replace(info, state="skipped", error=str(error)) if info.name == name else info
            for info in self.listed
        )

    def _guarded(self, name: str, hook: str, thing: Any) -> Any:
        strange = next(info for info in self.listed if info.name == name).trust != "built-in"
        if not strange:
            return thing
        if hook == _FUNCTIONS:  # a record that the policy reads: what it holds is guarded
            return replace(thing, call=guard(thing, f"plugin {name}", CALL_SECONDS).call)
        return guard(thing, f"plugin {name}", CALL_SECONDS) if hook in DECIDING else thing

    def things(self, hook: str) -> list[Any]:
        """What every plugin registers under a hook, without their names."""
        return [thing for _, thing in self.gather(hook)]

    def named(self, hook: str, attribute: str = "name") -> dict[str, Any]:
        """What a hook registers, by name; two things of one name are a ``PluginError``."""
        by_name: dict[str, Any] = {}
        for plugin, thing in self.gather(hook):
            name = getattr(thing, attribute, None)
            if not isinstance(name, str) or not name:
                raise PluginError(
                    f"plugin {plugin}: {hook} gave a {type(thing).__name__} without a {attribute}"
                )
            if name in by_name:
                raise PluginError(
                    f"plugin {plugin}: {name!r} is already registered under {hook}; "
                    f"leave one out with --without {plugin}"
                )
            by_name[name] = thing
        return by_name

    def controllers(self) -> dict[str, Any]:
        """Delay controllers, by the name that rules write as ``algorithm``."""
        return self.named("ratelord_register_delay_controllers")

    def actions(self) -> dict[str, Any]:
        """Policy actions by name; those that make askers wait know the delay controllers."""
        actions = self.named("ratelord_register_policy_actions")
        return with_controllers(actions, self.controllers())


def load(
    without: Iterable[str] = (),
    extra: Iterable[tuple[str, object]] = (),
    allow: AllowList | None = None,
) -> Plugins:
    """Every installed plugin except ``without``, plus ``extra`` (name, object) pairs, which are
    trusted as our own are. ``allow`` says whose may be loaded; by default what the owner of the
    machine says.

    Raises ``PluginError`` that names the plugin and the flag that leaves it out, if one cannot be
    imported, misspells a hook, or wants arguments that a hook does not give.
    """
    manager = pluggy.PluginManager("ratelord")
    manager.add_hookspecs(hookspecs)
    left_out = set(without)
    allowed = allow_list() if allow is None else allow
    listed: list[PluginInfo] = []
    for point in _points(left_out):
        info = _info(point, allowed)
        if point.name in left_out:
            listed.append(replace(info, state="left out"))
        elif not allowed.lets(info.distribution):
            listed.append(replace(info, state="not allowed", error=_not_allowed(info)))
        else:
            _register(manager, point)
            listed.append(replace(info, hooks=_hooks(manager, point.name)))
    for name, plugin in extra:
        manager.register(plugin, name=name)
        listed.append(PluginInfo(name, "", "", _hooks(manager, name), trust="built-in"))
    _check_spelling(manager)
    return Plugins(manager, tuple(listed))


def survey(without: Iterable[str] = ()) -> tuple[PluginInfo, ...]:
    """Every installed plugin with its state and, if unusable, why: never raises for one."""
    left_out = set(without)
    allowed = allow_list()
    names = {point.name for point in entry_points(group=GROUP)}
    found = []
    for point in entry_points(group=GROUP):
        info = _info(point, allowed)
        if point.name in left_out:
            found.append(replace(info, state="left out"))
            continue
        try:
            alone = load(names - {point.name}, allow=allowed).listed
        except PluginError as error:
            found.append(replace(info, state="broken", error=str(error)))
        else:
            found += [each for each in alone if each.name == point.name]
    return tuple(sorted(found, key=lambda info: info.name))


def _register(manager: pluggy.PluginManager, point: EntryPoint) -> None:
    try:
        with at_most(HOOK_SECONDS, f"plugin {point.name}: its import"):
            manager.register(point.load(), name=point.name)
    except (Exception, SystemExit) as error:
        raise PluginError(_cannot(point.name, "load", error)) from error


def _points(left_out: set[str]) -> Iterator[EntryPoint]:
    points = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    unknown = left_out - {point.name for point in points}
    if unknown:
        raise PluginError(
            f"--without {', '.join(sorted(unknown))}: no such plugin; "
            f"installed are {', '.join(point.name for point in points)}"
        )
    seen: set[str] = set()
    for point in points:
        if point.name in seen:
            raise PluginError(f"two installed plugins are called {point.name!r}; uninstall one")
        seen.add(point.name)
        yield point


def _hooks(manager: pluggy.PluginManager, name: str) -> tuple[str, ...]:
    callers = manager.get_hookcallers(manager.get_plugin(name)) or []
    return tuple(sorted(caller.name for caller in callers))


def _info(point: EntryPoint, allowed: AllowList) -> PluginInfo:
    name, version = (point.dist.name, point.dist.version) if point.dist else ("", "")
    return PluginInfo(point.name, version, name, trust=allowed.trust(name))


def _not_allowed(info: PluginInfo) -> str:
    return (
        f"plugin {info.name}: its distribution {info.distribution!r} is not on the list; "
        f"add it to {VARIABLE}, or uninstall it"
    )


def _check_spelling(manager: pluggy.PluginManager) -> None:
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        name = manager.get_name(error.plugin) or "?"
        raise PluginError(_cannot(name, "hook check", error)) from error


def _cannot(name: str, doing: str, error: BaseException) -> str:
    detail = " ".join(str(error).split()) or type(error).__name__
    return f"plugin {name}: {doing} failed: {detail}; leave it out with --without {name}"
