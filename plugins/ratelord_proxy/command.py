"""``ratelord proxy``."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from cyclopts import Parameter

from ratelord.capturing.conversation import Names
from ratelord.capturing.speeches import SPEECHES
from ratelord_core.errors import SettingsError
from ratelord_core.leaving import leaves_when_told

UPSTREAMS: Final = {
    "openai": "https://api.openai.com",
    "anthropic": "https://api.anthropic.com",
    "gemini": "https://generativelanguage.googleapis.com",
    "github": "https://api.github.com",
}
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def proxy(
    *,
    provider: Literal["openai", "anthropic", "gemini", "github", "headers"],
    listen: str = "127.0.0.1:8091",
    upstream: str | None = None,
    provider_id: str | None = None,
    agent: str = "proxy",
    identity: str = "sentinel:unknown",
    workload: str = "proxied_call",
    scope: str = "global",
    max_wait: float | None = None,
    insecure_public: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Govern any client by its base URL: a reverse proxy before a provider.

    Asks the daemon (RATELORD_URL, RATELORD_TOKEN) before each call, waits if told, passes headers
    and token usage on after it, and refuses with the provider's own 429. Bodies and keys are
    neither stored nor logged.

    Parameters
    ----------
    provider
        How the provider speaks: headers for any other, by its response headers alone.
    listen
        HOST:PORT to listen on; port 0 takes a free one.
    upstream
        Where the provider is. Default: the provider's own address.
    provider_id
        The account in the policy file. Default: called as the provider is.
    agent
        Who asks, unless a request says so in X-Ratelord-Agent.
    identity
        Whose credential is charged, unless a request says X-Ratelord-Identity.
    workload
        What kind of work it is, unless a request says X-Ratelord-Workload.
    scope
        Where, unless a request says X-Ratelord-Scope.
    max_wait
        Seconds that a call waits at most. Default: what the daemon allows.
    insecure_public
        Listen on an address that others can reach, without TLS: keys travel readable.
    json
        Say in JSON where it listens: one line, once it does.
    """
    target = upstream or UPSTREAMS.get(provider)
    parts = urlsplit(target or "")
    if target is None:
        raise SettingsError(
            f"nobody knows where {provider!r} is; give the provider's address with --upstream"
        )
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError(f"--upstream is {target!r}; write it like https://api.example.com")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise SettingsError(f"--upstream is {target!r}; use https, else keys travel readable")
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise SettingsError(f"--listen is {listen!r}; give HOST:PORT, such as 127.0.0.1:8091")
    if host.strip("[]") not in _LOOPBACK and not insecure_public:
        raise SettingsError(
            f"--listen is {listen!r}; others could use it: --insecure-public allows it"
        )
    names = Names(provider_id or provider, agent, identity, workload, scope, max_wait=max_wait)
    place = (host.strip("[]"), int(port))
    with leaves_when_told():
        from ratelord_proxy.serving import serve  # noqa: PLC0415 - the help of a verb needs none

        return serve(SPEECHES[provider], names, target, place, as_json=json)
