"""The kinds of plugins that a project can be written for."""

from __future__ import annotations

from typing import Final, NamedTuple

CORE: Final = "ratelord"


class Kind(NamedTuple):
    """What a project of one kind says and needs. ``{name}`` stands for the plugin's name."""

    hook: str
    description: str
    needs: tuple[str, ...] = (CORE,)
    tests_need: tuple[str, ...] = ("pytest>=9",)


_PROVEN: Final = ("hypothesis>=6.140", "pytest>=9")

KINDS: Final = {
    "action": Kind(
        "ratelord_register_policy_actions",
        "The policy action {name} for ratelord.",
        (CORE, "msgspec>=0.22"),
    ),
    "behavior": Kind(
        "ratelord_register_behaviors", "The behaviour {name} for ratelord's simulated agents."
    ),
    "controller": Kind(
        "ratelord_register_delay_controllers",
        "The delay controller {name} for ratelord.",
        (CORE, "msgspec>=0.22"),
    ),
    "door": Kind("ratelord_register_doors", "A door /{name} on the port of ratelord's daemon."),
    "exporter": Kind(
        "ratelord_register_exporters",
        "The exporter {name} for ratelord.",
        (CORE, "msgspec>=0.22"),
    ),
    "function": Kind(
        "ratelord_register_condition_functions",
        "The function {name} for conditions of ratelord's policies.",
    ),
    "graph": Kind(
        "ratelord_register_graphs",
        "The constraint graph {name} for ratelord.",
        (CORE, "msgspec>=0.22"),
        _PROVEN,
    ),
    "model": Kind(
        "ratelord_register_forecast_models",
        "The forecast model {name} for ratelord.",
        tests_need=_PROVEN,
    ),
    "provider": Kind(
        "ratelord_register_providers", "The provider {name} for ratelord.", (CORE, "msgspec>=0.22")
    ),
    "resource": Kind(
        "ratelord_register_agent_resources",
        "The resource {name} for agents that talk to ratelord.",
        (CORE, "msgspec>=0.22"),
    ),
    "store": Kind(
        "ratelord_register_stores",
        "The event store {name} for ratelord.",
        (CORE, "filelock>=3.20", "msgspec>=0.22"),
    ),
    "tool": Kind(
        "ratelord_register_agent_tools",
        "The tool {name} for agents that talk to ratelord.",
        (CORE, "msgspec>=0.22"),
    ),
    "transport": Kind(
        "ratelord_register_transports",
        "The transport {name}:// between ratelord's daemons.",
        (CORE, "msgspec>=0.22"),
    ),
    "verb": Kind(
        "ratelord_register_verbs",
        "The verb {name} for ratelord's command line.",
        (CORE, "cyclopts>=5.4"),
    ),
}
"""By the name that ``ratelord plugin new --kind`` takes."""
