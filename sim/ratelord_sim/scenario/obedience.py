"""What agents do of what they are told: which parts of an answer, and how often."""

from __future__ import annotations

from random import Random

import msgspec
import yaml

from ratelord_core.model.decision import Decision
from ratelord_core.policy import values as plain
from ratelord_core.policy.reading import Reading, nearest
from ratelord_sim.scenario import values

DENIAL = "denial"
WAIT = "wait"
WAYS = ("identity_switch", "route", "protocol_switch", "degrade", "max_cost")
"""Modifications that let an action be done in another way."""
PARTS = (DENIAL, WAIT, *WAYS)
"""Everything in an answer that an agent may go by, or not."""


class Obedience(msgspec.Struct, frozen=True):
    """``share`` of all answers are gone by in full, the others not at all. Where ``shares`` names a
    part of answers, it is gone by that often, whatever becomes of the rest."""

    share: float = 1.0
    shares: dict[str, float] = {}

    def heeded(self, answer: Decision, chance: Random) -> frozenset[str]:
        """The parts of an answer that an agent goes by this time."""
        parts = parts_of(answer)
        if not self.shares:
            return parts if _happens(self.share, chance) else frozenset()
        ordered = (part for part in PARTS if part in parts)
        return frozenset(one for one in ordered if _happens(self.shares.get(one, 1.0), chance))


WHOLLY = Obedience()
"""Does what it is told."""


def parts_of(answer: Decision) -> frozenset[str]:
    """What an answer asks of whoever gets it."""
    if not answer.allowed:
        return frozenset({DENIAL})
    asked = {name for name in WAYS if getattr(answer.modifications, name) is not None}
    waits = answer.start_at is not None and answer.start_at > answer.as_of
    return frozenset(asked | {WAIT} if waits else asked)


def obedience(node: yaml.Node, path: str, reading: Reading) -> Obedience | None:
    """A share of answers; a list of the modifications that are applied (denials are always obeyed);
    or a mapping of parts of answers to shares."""
    if isinstance(node, yaml.SequenceNode):
        return _listed(node, path, reading)
    if isinstance(node, yaml.MappingNode):
        pairs = [(_part(name, path, reading), value) for name, value in node.value]
        found = {
            name: values.share(value, f"{path}.{name}", reading) for name, value in pairs if name
        }
        return Obedience(shares={name: of for name, of in found.items() if of is not None})
    share = values.share(node, path, reading)
    return None if share is None else Obedience(share)


def _listed(node: yaml.SequenceNode, path: str, reading: Reading) -> Obedience:
    applied = [_part(item, f"{path}[{at}]", reading) for at, item in enumerate(node.value)]
    return Obedience(shares={name: float(name in applied) for name in (WAIT, *WAYS)})


def _part(node: yaml.Node, path: str, reading: Reading) -> str | None:
    said = plain.text(node, path, reading)
    if said is None or said in PARTS:
        return said
    reading.found(node, path, f"no answer contains {said!r}", nearest(said, PARTS))
    return None


def _happens(share: float, chance: Random) -> bool:
    return share >= 1.0 or chance.random() < share
