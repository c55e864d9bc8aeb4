"""Plays a scenario file against a daemon: the address, the token, the loop."""

from __future__ import annotations

import os
from pathlib import Path

import anyio
import msgspec
from msgspec.structs import replace

from ratelord import AsyncClient, Client
from ratelord import RatelordError as ClientError
from ratelord_core import parts
from ratelord_core.errors import RatelordError, SettingsError
from ratelord_sim.live.briefing import briefing
from ratelord_sim.live.play import play_live
from ratelord_sim.result import Result
from ratelord_sim.scenario.reader import read_file


class Target(msgspec.Struct, frozen=True):
    """A daemon, how fast to play, and the variable that has the token (None: the client's own)."""

    where: str | None = None
    speed: float = 1.0
    token_env: str | None = None

    def client(self) -> AsyncClient:
        """A client for it. Raises ``SettingsError`` for what cannot be an address or a token."""
        try:
            url, socket = self._address
            return AsyncClient(url, socket=socket, token=self._token(), auto_wait=False)
        except ValueError as error:
            raise SettingsError(f"--target {self.where}: {error}") from error

    def blocking_client(self) -> Client:
        """The same for programs that wait."""
        url, socket = self._address
        try:
            return Client(url, socket=socket, token=self._token())
        except ValueError as error:
            raise SettingsError(f"--target {self.where}: {error}") from error

    @property
    def _address(self) -> tuple[str | None, str | None]:
        """Address and socket; neither: the client looks into its environment."""
        if self.where is None or "://" in self.where:
            return self.where, None
        return None, self.where.removeprefix("unix:")

    def _token(self) -> str | None:
        if self.token_env is None:
            return None
        token = os.environ.get(self.token_env)
        if not token:
            raise SettingsError(f"--token-env: the variable {self.token_env} is not set; set it")
        return token


def play_against(
    path: Path, target: Target, *, seed: int | None = None, policy: Path | None = None
) -> Result:
    """Play the scenario in a file. Raises ``RatelordError`` if the daemon does not answer, or is
    not set up for it."""
    if not 0 < target.speed <= 1000:
        raise SettingsError(f"--speed {target.speed:g} is not above 0 and up to 1000; choose one")
    loaded = parts.load()
    scenario = read_file(path, loaded, policy=policy)
    if seed is not None:
        scenario = replace(scenario, seed=seed)
    briefing(scenario, loaded, target.speed)  # says what cannot go faster than life

    async def whole() -> Result:
        async with target.client() as client:
            return await play_live(scenario, loaded, client, target.speed, str(target.where))

    try:
        return anyio.run(whole)
    except ClientError as error:
        raise RatelordError(f"{target.where}: {error}") from error
