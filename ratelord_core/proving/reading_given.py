"""Reads ``given``: the state in which a case begins."""

from __future__ import annotations

from math import inf

import yaml
from msgspec.structs import asdict, replace

from ratelord_core.model.forecast import Forecast
from ratelord_core.model.identity import Identity
from ratelord_core.model.ids import is_id
from ratelord_core.model.instant import SECOND
from ratelord_core.policy.fields import Fields, entries
from ratelord_core.policy.reading import Reading
from ratelord_core.policy.values import integer, long_span, number, one_of, span, text, whole
from ratelord_core.proving.moments import DEFAULT, instant_of, moment
from ratelord_core.proving.terms import Given, GivenPool, Place

NOTHING = Given(instant_of(DEFAULT))
"""A daemon that has just started, on the default day."""
EVERY_POOL = "*"
"""Stands for the pools of which no forecast is stated by name."""
_SYSTEM = ("ok", "warning", "critical")
_CIRCUIT = ("healthy", "degraded", "open")


def place_of(node: yaml.Node) -> Place:
    """Where a node stands."""
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)


def read_given(node: yaml.Node | None, path: str, reading: Reading, base: Given = NOTHING) -> Given:
    """The state that a mapping describes, over what ``base`` says already."""
    if node is None:
        return base
    fields = Fields(node, path, reading)
    time = fields.get(moment, base.time, "time")
    seed = fields.get(integer, base.seed, "seed")
    pools = _pools(fields)
    identities = _identities(fields)
    forecasts = _forecasts(fields)
    providers = _providers(fields)
    status, score = fields.at("system"), base.risk_score
    system = base.system_status
    if status is not None:
        inner = Fields(status, fields.path_of("system"), reading)
        system = inner.get(one_of(*_SYSTEM), system, "status")
        score = inner.get(whole, score, "risk_score")
        inner.close()
    fields.close()
    known = {one.identity_id: one for one in (*base.identities, *identities)}
    return Given(
        time,
        seed,
        base.pools | pools,
        tuple(known.values()),
        base.forecasts | forecasts,
        base.providers | providers,
        system,
        score,
    )


def _pools(fields: Fields) -> dict[str, GivenPool]:
    return {key: _pool(inner) for key, inner in _each(fields, "pools")}


def _pool(fields: Fields) -> GivenPool:
    found = GivenPool(
        place_of(fields.node),
        limit=fields.maybe(whole, "limit"),
        used=fields.maybe(whole, "used"),
        remaining=fields.maybe(whole, "remaining"),
        held=fields.get(whole, 0, "held"),
        by_agent=_by_agent(fields),
        reset_in=fields.maybe(span, "reset_in"),
        every=fields.maybe(long_span, "every"),
        unit=fields.maybe(text, "unit"),
        age=fields.get(span, 0, "age"),
    )
    fields.close()
    if found.used is not None and found.remaining is not None and found.limit is None:
        message = "used and remaining together make a limit; say limit, or only one of them"
        fields.reading.found(fields.node, fields.path, message)
    return found


def _by_agent(fields: Fields) -> dict[str, int]:
    node, path = fields.at("by_agent"), fields.path_of("by_agent")
    given = entries(node, path, fields.reading) if node is not None else {}
    read = {
        name: whole(value, f"{path}.{name}", fields.reading) for name, (_, value) in given.items()
    }
    return {name: units for name, units in read.items() if units is not None}


def _identities(fields: Fields) -> tuple[Identity, ...]:
    return tuple(_identity(name, inner) for name, inner in _each(fields, "identities"))


def _identity(name: str, fields: Fields) -> Identity:
    plain = Identity(name)
    found = replace(
        plain,
        kind=fields.get(text, plain.kind, "kind"),
        status=fields.get(one_of("active", "quarantined", "revoked"), "active", "status"),
        provider_id=fields.maybe(text, "provider"),
        owner=fields.maybe(text, "owner"),
        trust_level=fields.maybe(text, "trust_level"),
        labels=_texts(fields, "labels"),
    )
    fields.close()
    return found


def _texts(fields: Fields, key: str) -> dict[str, str]:
    node, path = fields.at(key), fields.path_of(key)
    given = entries(node, path, fields.reading) if node is not None else {}
    read = {
        name: text(value, f"{path}.{name}", fields.reading) for name, (_, value) in given.items()
    }
    return {name: value for name, value in read.items() if value is not None}


def _forecasts(fields: Fields) -> dict[str, Forecast]:
    return {key: _forecast(inner) for key, inner in _each(fields, "forecasts")}


def _forecast(fields: Fields) -> Forecast:
    """A forecast as it is to be said; bounds that are not given lie beyond the reset."""
    told = asdict(Forecast(model_id="given"))
    told["p_exhaustion"] = fields.get(_probability, 0.0, "p_exhaustion")
    for name in ("tte_p50", "tte_p90", "tte_p99"):
        found = fields.maybe(span, name)
        told[name] = inf if found is None else found / SECOND
    told["burn_mean"] = fields.get(number, 0.0, "burn_rate")
    told["burn_variance"] = fields.get(number, 0.0, "burn_variance")
    fields.close()
    if not told["tte_p99"] <= told["tte_p90"] <= told["tte_p50"]:
        message = "tte_p99 is the shortest and tte_p50 the longest: what holds more often is less"
        fields.reading.found(fields.node, fields.path, message)
    return Forecast(**told)


def _probability(node: yaml.Node, path: str, reading: Reading) -> float | None:
    found = number(node, path, reading)
    if found is None or found <= 1.0:
        return found
    reading.found(node, path, f"{found:g} is no probability", "from 0 to 1")
    return None


def _providers(fields: Fields) -> dict[str, str]:
    node, path = fields.at("providers"), fields.path_of("providers")
    given = entries(node, path, fields.reading) if node is not None else {}
    read = one_of(*_CIRCUIT)
    found = {
        name: read(value, f"{path}.{name}", fields.reading) for name, (_, value) in given.items()
    }
    return {name: state for name, state in found.items() if state is not None}


def _each(fields: Fields, key: str) -> list[tuple[str, Fields]]:
    """The entries of a mapping of ids to mappings."""
    node, path, reading = fields.at(key), fields.path_of(key), fields.reading
    given = entries(node, path, reading) if node is not None else {}
    found = []
    for name, (where, value) in given.items():
        if not is_id(name) and (key, name) != ("forecasts", EVERY_POOL):
            reading.found(where, path, f"{name!r} cannot be an id")
            continue
        found.append((name, Fields(value, f"{path}.{name}", reading)))
    return found
