"""How much of a daemon's machine its simulations may take."""

from __future__ import annotations

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ratelord_core.errors import SettingsError


class Bounds(BaseSettings):
    """Read from ``RATELORD_SIMULATION_*`` when the daemon starts."""

    model_config = SettingsConfigDict(
        env_prefix="RATELORD_SIMULATION_", extra="ignore", frozen=True
    )

    concurrency: int = Field(
        default=1, ge=0, le=64, description="How many play at once; 0 = none may."
    )
    seconds: float = Field(
        default=300, gt=0, le=86_400, description="Seconds of life after which one is broken off."
    )
    duration_seconds: float = Field(
        default=86_400,
        gt=0,
        description="The longest time that a scenario may play, in its own seconds.",
    )
    agents: int = Field(default=2000, ge=1, description="The most agents of a scenario.")
    megabytes: int = Field(default=2048, ge=256, description="Memory of each, in MiB.")
    body_bytes: int = Field(default=262_144, ge=1024, description="The largest request, in bytes.")
    kept: int = Field(default=20, ge=1, le=1000, description="Results that are remembered.")


def bounds() -> Bounds:
    """The bounds in force. Raises ``SettingsError`` naming what is wrong."""
    try:
        return Bounds()
    except ValidationError as error:
        first = error.errors()[0]
        name = "RATELORD_SIMULATION_" + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(f"{name} is {first['input']!r}: {first['msg'].lower()}") from error
