"""A plugin for tests: in place of our tools, ``/mcp`` has those that the conformance suite calls.

The daemon, its guards, the door, its sessions and its way of answering stay what they are.
"""

from __future__ import annotations

from collections.abc import Iterable

from ratelord_core.doors import Building, DoorFactory, OpenDoor
from ratelord_core.hookspecs import hookimpl
from ratelord_mcp.door import McpDoor, McpDoors
from ratelord_mcp.hall import Hall


class ConformanceDoor(McpDoor):
    """The door, with other things behind it."""

    furnisher = "conformance_plugin:furnish"


class ConformanceDoors(McpDoors):
    """Opens ``/mcp``."""

    name = "conformance"

    def open(self, building: Building) -> OpenDoor:
        """The door."""
        return ConformanceDoor(building)


def furnish(_building: Building) -> Hall:
    """The hall, with the suite's server in it."""
    from conformance_server import build

    server, listen = build()
    return Hall(server, listen.close)


@hookimpl
def ratelord_register_doors() -> Iterable[DoorFactory]:
    """The suite's door."""
    return [ConformanceDoors()]
