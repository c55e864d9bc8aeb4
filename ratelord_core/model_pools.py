"""Pools that a provider keeps for each model: requests, tokens and what else it counts apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from ratelord_core.headers import MODEL, RateLimit
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.ids import is_id
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.model.model_names import is_one_of, without_edition
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import MAX_UNITS, Pool
from ratelord_core.model.window import Window
from ratelord_core.provider import bad_option, check_options

_CHARGED_WITHIN: Micros = 2 * SECOND
"""Such an API charges a call when it arrives, and its bucket refills while the call goes on. A hold
that lasted as long as the call would keep that refill from everybody who waits."""


class Kind(msgspec.Struct, frozen=True):
    """What is counted for each model: ``window`` is how it refills, and a kind that is not
    ``default`` is drawn from by workloads that list it. ``pool`` is the end of its pools' ids, if
    not its name; the last part of that (``tokens`` of ``day/tokens``) is how costs may name it."""

    unit: str
    window: Window
    default: bool = True
    pool: str = ""


class Group(msgspec.Struct, frozen=True):
    """Models that share their limits. ``name`` begins the ids of their pools."""

    name: str
    models: tuple[str, ...]
    limits: Mapping[str, int] = {}


class ModelPools:
    """The pools ``<group>/<kind>`` of one account. ``above`` is a group whose limits bind besides
    those of each model's own.

    ``groups`` are those that the configuration knows; a model of none of them is a group alone.
    """

    def __init__(
        self,
        provider_id: str,
        kinds: Mapping[str, Kind],
        groups: Iterable[Group] = (),
        above: Group | None = None,
    ) -> None:
        self.provider_id = provider_id
        self._kinds = kinds
        self._ends = {kind.pool or name: name for name, kind in kinds.items()}
        self._groups = tuple(groups)
        self._above = (above,) if above else ()

    def declared(self) -> tuple[Pool, ...]:
        """The pools of the configured groups that have a limit."""
        return tuple(
            self._pool(group, kind, limit)
            for group in self._groups + self._above
            for kind, limit in group.limits.items()
        )

    def describe(self, pool_id: str) -> Pool | None:
        """The pool of that id, its limit as configured or unknown; None if there is no such."""
        ends = [end for end in self._ends if pool_id.endswith(f"/{end}")]
        if not ends:
            return None
        end = max(ends, key=len)
        name, kind = pool_id.removesuffix(f"/{end}"), self._ends[end]
        known = (one for one in self._groups + self._above if one.name == name)
        group = next(known, Group(name, (name,)))
        return self._pool(group, kind, group.limits.get(kind))

    def group_of(self, model: str) -> Group | None:
        """Whose limits a model shares; None if its name can begin no pool's id."""
        for group in self._groups:
            if is_one_of(model, group.models):
                return group
        name = without_edition(model)
        return Group(name, (name,)) if is_id(name) and "//" not in name else None

    def learn(self, group: Group) -> None:
        """Know these models to share their limits from now on, unless the configuration says
        something of the first of them."""
        if not any(is_one_of(group.models[0], one.models) for one in self._groups):
            self._groups += (Group(group.name, group.models),)

    def model_in(self, headers: Mapping[str, str], *names: str) -> str | None:
        """The model that a response is of: as whoever passed it on says, else by these headers,
        else the only one that is configured."""
        for name in (MODEL, *names):
            if headers.get(name, "").strip():
                return headers[name].strip()
        only = [group.models[0] for group in self._groups]
        return only[0].rstrip("*") if len(only) == 1 else None

    def observe(
        self, model: str, limits: Iterable[RateLimit], dated: Micros
    ) -> tuple[Observation, ...]:
        """What these limits, named after kinds, say of a model's pools. Those of no known kind are
        left out."""
        group = self.group_of(model)
        if group is None:
            return ()
        return tuple(
            Observation(
                self.provider_id,
                f"{group.name}/{self._end(limit.resource)}",
                dated,
                limit=limit.limit,
                used=limit.used,
                remaining=limit.remaining,
                reset_at=limit.reset_at,
                window_every=limit.every,
                unit=limit.unit,
            )
            for limit in limits
            if limit.resource in self._kinds
        )

    def _end(self, kind: str) -> str:
        return self._kinds[kind].pool or kind

    def _pool(self, group: Group, kind: str, limit: int | None) -> Pool:
        shape = self._kinds[kind]
        return Pool(
            self.provider_id,
            f"{group.name}/{self._end(kind)}",
            unit=shape.unit,
            limit=limit,
            window=shape.window,
            default=shape.default,
            models=group.models,
            hold_for=_CHARGED_WITHIN if shape.window.kind == "bucket" else None,
        )


def read_groups(
    config: ProviderConfig, value: object, kinds: Mapping[str, Kind]
) -> tuple[Group, ...]:
    """The option ``models``: by name (``*`` at its end for all that begin so) the limits by kind,
    and under ``also`` other models that share them. Raises ``SettingsError``."""
    if not isinstance(value, Mapping):
        raise bad_option(config, "models", value, "give limits by model")
    return tuple(_group(config, str(name), given, kinds) for name, given in value.items())


def read_above(
    config: ProviderConfig, name: str, value: object, kinds: Mapping[str, Kind]
) -> Group | None:
    """An option with limits that bind whatever the model; None if it is not given."""
    return None if value is None else _group(config, name, value, kinds, ("*",), name)


def _group(
    config: ProviderConfig,
    name: str,
    given: object,
    kinds: Mapping[str, Kind],
    models: tuple[str, ...] = (),
    path: str = "",
) -> Group:
    path = path or f"models.{name}"
    plain = name.rstrip("*").rstrip("-")
    if not is_id(plain):
        raise bad_option(config, "a model's name", name, "use letters, digits and ._:/@+-")
    told = {} if given is None else given
    if not isinstance(told, Mapping):
        raise bad_option(config, path, given, f"give limits, such as {{{next(iter(kinds))}: 500}}")
    check_options(config, (*kinds, "also"), told, path)
    also = told.get("also") or []
    if not isinstance(also, list) or not all(isinstance(one, str) and one for one in also):
        raise bad_option(config, f"{path}.also", also, "give a list of models")
    limits = {kind: value for kind, value in told.items() if kind != "also" and value is not None}
    for kind, limit in limits.items():
        if type(limit) is not int or not 0 <= limit <= MAX_UNITS:
            right = "give a whole number from 0 to 2^53-1"
            raise bad_option(config, f"{path}.{kind}", limit, right)
    return Group(plain, models or (name, *also), limits)
