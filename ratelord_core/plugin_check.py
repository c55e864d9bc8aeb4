"""Whether the installed plugins can be used: each alone, asked for all that it registers, and then
all of them together. What a daemon finds out at its start, without one."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, requires
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from ratelord_core import __version__
from ratelord_core.errors import PluginError
from ratelord_core.guarded import unguarded
from ratelord_core.plugins import PluginInfo, Plugins, load, survey

THINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "agent_resources": ("uri", "name", "read()"),
    "agent_tools": ("name", "description", "run()"),
    "behaviors": ("name", "demands()"),
    "condition_functions": ("name", "call()"),
    "delay_controllers": ("name", "params", "build()"),
    "doors": ("name", "path", "open()"),
    "exporters": ("name", "open()"),
    "forecast_models": ("model_id", "model_version", "build()"),
    "graphs": ("name", "build()"),
    "policy_actions": ("name", "params", "apply()"),
    "providers": ("name", "version", "build()"),
    "stores": ("name", "open_events()", "open_snapshots()"),
    "transports": ("name", "schemes", "build()"),
    "verbs": ("name", "help", "target"),
}
"""What the things of each hook have; ``()`` is for what is called. The first is the name."""
_PREFIX: Final = "ratelord_register_"


class Checked(msgspec.Struct, frozen=True):
    """A plugin, the names of what it registers, and what will stop working one day."""

    plugin: PluginInfo
    offers: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def check() -> tuple[Checked, ...]:
    """Every installed plugin; of one that cannot be used, ``plugin.state`` is ``broken`` and
    ``plugin.error`` says why."""
    infos = survey()
    found = [_alone(info, infos) if info.state == "loaded" else Checked(info) for info in infos]
    return _together(found)


def _alone(info: PluginInfo, infos: Iterable[PluginInfo]) -> Checked:
    others = {each.name for each in infos} - {info.name}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            _must_fit(info)
            offers = tuple(_offers(load(others), info))
        except PluginError as error:
            return Checked(replace(info, state="broken", error=str(error)))
    old = [one for one in caught if issubclass(one.category, DeprecationWarning)]
    said = dict.fromkeys(str(one.message) for one in old if "ratelord" in str(one.message))
    return Checked(info, offers, tuple(said))


def _must_fit(info: PluginInfo) -> None:
    """Raises ``PluginError`` if the plugin's distribution asks for another release of ratelord."""
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - for checks only

    try:
        wanted = requires(info.distribution) or []
    except PackageNotFoundError:
        return
    for text in wanted:
        try:
            one = Requirement(text)
        except InvalidRequirement:
            continue
        here = one.marker is None or one.marker.evaluate()
        if here and one.name == "ratelord" and not one.specifier.contains(__version__, True):
            raise PluginError(
                f"plugin {info.name}: {info.distribution} {info.version} is written for ratelord "
                f"{one.specifier}, this is {__version__}; upgrade one of them"
            )


def _offers(loaded: Plugins, info: PluginInfo) -> Iterable[str]:
    for hook in info.hooks:
        for name, thing in loaded.gather(hook):
            yield f"{hook.removeprefix(_PREFIX)}: {_name_of(name, hook, thing)}"
        overran = next(each for each in loaded.listed if each.name == info.name)
        if overran.state == "skipped":
            raise PluginError(overran.error)


def _name_of(plugin: str, hook: str, thing: Any) -> str:
    """The name under which a thing is registered. Raises ``PluginError`` for what is none of what
    the hook is for; of the thing itself only its type is shown."""
    thing = unguarded(thing)
    wanted = THINGS.get(hook.removeprefix(_PREFIX), ("name",))
    what = f"plugin {plugin}: {hook} gave a {type(thing).__name__}"
    for part in wanted:
        attribute = part.removesuffix("()")
        value = inspect.getattr_static(thing, attribute, None)
        if value is None:
            raise PluginError(f"{what} without {part}; see its page in the hook reference")
        if part.endswith("()") and not callable(getattr(thing, attribute)):
            raise PluginError(f"{what} whose {attribute} cannot be called")
    name = getattr(thing, wanted[0])
    if not isinstance(name, str) or not name:
        raise PluginError(f"{what} whose {wanted[0]} is no text")
    return name


def _together(found: list[Checked]) -> tuple[Checked, ...]:
    """What two plugins register under one name works with neither."""
    owners: dict[str, list[str]] = {}
    for one in found:
        for offer in one.offers:
            owners.setdefault(offer, []).append(one.plugin.name)
    return tuple(_alone_in(one, owners) for one in found)


def _alone_in(one: Checked, owners: Mapping[str, list[str]]) -> Checked:
    for offer in one.offers:
        rivals = [name for name in owners[offer] if name != one.plugin.name]
        if one.plugin.trust == "built-in" or not (rivals or len(owners[offer]) > 1):
            continue
        whose = f"plugin {rivals[0]} has it too" if rivals else "it has it twice"
        error = (
            f"plugin {one.plugin.name}: {offer!r} is taken, {whose}; "
            f"leave one out with --without {one.plugin.name}"
        )
        return Checked(replace(one.plugin, state="broken", error=error), one.offers)
    return one
