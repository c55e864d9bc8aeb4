"""What somebody asks a daemon to play."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from ratelord_core.errors import FieldError, InvalidRequest
from ratelord_core.policy.reading import nearest
from ratelord_sim import library
from ratelord_sim.server.bounds import Bounds
from ratelord_sim.server.task import Task


class SimulationRequest(msgspec.Struct, frozen=True):
    """``scenario`` is the name of a shipped one, or a scenario itself."""

    scenario: str | dict[str, Any]
    seed: int | float | None = None


def task_of(body: bytes, bounds: Bounds, *, yaml: bool) -> Task:
    """The task in a body: JSON with ``scenario`` and ``seed``, a scenario alone, or one as YAML.
    Raises ``InvalidRequest``."""
    task = Task(
        duration_seconds=bounds.duration_seconds, agents=bounds.agents, megabytes=bounds.megabytes
    )
    if yaml:
        return replace(task, text=_text(body))
    try:
        plain = msgspec.json.decode(body, type=dict[str, Any])
        if "scenario" not in plain:
            return replace(task, text=_text(body))
        asked = msgspec.convert(plain, SimulationRequest)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidRequest(f"the body is no simulation: {error}") from error
    seed = _seed(asked.seed)
    if isinstance(asked.scenario, dict):
        text = msgspec.json.encode(asked.scenario).decode()
        return replace(task, text=text, seed=seed)
    return replace(task, name=_shipped(asked.scenario), seed=seed)


def _seed(said: float | None) -> int | None:
    """A seed; a number without a fraction is a whole one, as everywhere on the wire."""
    if said is None:
        return None
    if not 0 <= said < 2**63 or said != int(said):
        fault = FieldError("seed", f"{said:g} is not a whole number from 0 to 2^63-1")
        raise InvalidRequest(f"seed: {fault.message}", fields=[fault])
    return int(said)


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"the body is not UTF-8: {error.reason}") from error


def _shipped(name: str) -> str:
    """The shipped scenario of that name, or of which it is the only beginning."""
    known = library.shipped()
    found = [one for one in known if one == name or one.startswith(name.lower())] if name else []
    if len(found) == 1 or name in known:
        return name if name in known else found[0]
    if len(found) > 1:
        fault = FieldError("scenario", f"{name!r} may be {' or '.join(found)}; say which")
        raise InvalidRequest(fault.message, fields=[fault])
    hint = nearest(name, known, few=20) or f"known: {', '.join(known)}"
    fault = FieldError("scenario", f"no shipped scenario is called {name[:80]!r}; {hint}")
    raise InvalidRequest(fault.message, fields=[fault])
