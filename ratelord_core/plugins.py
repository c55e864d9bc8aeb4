"""Gather one daemon's plugins: from entry points, minus those left out; fail closed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import msgspec
import pluggy

from ratelord_core import hookspecs
from ratelord_core.errors import PluginError

GROUP = "ratelord"
"""The entry-point group of every plugin, ours and strangers'."""


class PluginInfo(msgspec.Struct, frozen=True):
    """A plugin as listed: its name, version, distribution, the hooks it implements, its state."""

    name: str
    version: str
    distribution: str
    hooks: tuple[str, ...] = ()
    state: str = "loaded"
    error: str = ""


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
            try:
                things = list(implementation.function())
            except Exception as error:
                raise PluginError(_cannot(implementation.plugin_name, hook, error)) from error
            found += [(implementation.plugin_name, thing) for thing in things]
        return found

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
                    f"plugin {plugin}: {hook} gave {thing!r}, which has no {attribute}"
                )
            if name in by_name:
                raise PluginError(
                    f"plugin {plugin}: {name!r} is already registered under {hook}; "
                    f"leave one out with --without {plugin}"
                )
            by_name[name] = thing
        return by_name


def load(without: Iterable[str] = (), extra: Iterable[tuple[str, object]] = ()) -> Plugins:
    """Every installed plugin except ``without``, plus ``extra`` (name, object) pairs.

    Raises ``PluginError`` that names the plugin and the flag that leaves it out, if one cannot be
    imported, misspells a hook, or wants arguments that a hook does not give.
    """
    manager = pluggy.PluginManager("ratelord")
    manager.add_hookspecs(hookspecs)
    left_out = set(without)
    listed: list[PluginInfo] = []
    for point in _points(left_out):
        if point.name in left_out:
            listed.append(_info(point, state="left out"))
            continue
        try:
            manager.register(point.load(), name=point.name)
        except Exception as error:
            raise PluginError(_cannot(point.name, "load", error)) from error
        listed.append(_info(point, hooks=_hooks(manager, point.name)))
    for name, plugin in extra:
        manager.register(plugin, name=name)
        listed.append(PluginInfo(name, "", "", _hooks(manager, name)))
    _check_spelling(manager)
    return Plugins(manager, tuple(listed))


def survey(without: Iterable[str] = ()) -> tuple[PluginInfo, ...]:
    """Every installed plugin with its state and, if unusable, why: never raises for one."""
    left_out = set(without)
    found = []
    for point in entry_points(group=GROUP):
        if point.name in left_out:
            found.append(_info(point, state="left out"))
            continue
        others = {other.name for other in entry_points(group=GROUP)} - {point.name}
        try:
            found += [info for info in load(others).listed if info.name == point.name]
        except PluginError as error:
            found.append(_info(point, state="broken", error=str(error)))
    return tuple(sorted(found, key=lambda info: info.name))


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


def _info(
    point: EntryPoint, hooks: tuple[str, ...] = (), state: str = "loaded", error: str = ""
) -> PluginInfo:
    dist = point.dist
    return PluginInfo(
        point.name,
        dist.version if dist else "",
        dist.name if dist else "",
        hooks,
        state,
        error,
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
