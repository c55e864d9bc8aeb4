"""``ratelord federation``: prove that two machines reach each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from ratelord_core.cli.options import LOOK, Json
from ratelord_core.cli.outcome import DONE, USAGE, CommandFailed
from ratelord_core.cli.screen import print_json, print_json_line, say

if TYPE_CHECKING:
    from ratelord_core.cli.linking import Trial
    from ratelord_core.transport import Address, Security, Transport

Switch = Annotated[bool, Parameter(negative=())]
Names = Annotated[tuple[str, ...], Parameter(negative=())]


def register(app: App) -> None:
    """Add the verb."""
    verb = App(
        name="federation",
        help="Try a link between two machines, and measure its round trip.",
        group=LOOK,
    )
    verb.command(ping)
    verb.command(serve)
    app.command(verb)


def ping(
    address: str,
    /,
    *,
    count: int = 10,
    bytes: Annotated[int, Parameter(name="--bytes")] = 256,  # noqa: A002 - as it is typed
    timeout: float = 5.0,
    tls_ca: Path | None = None,
    insecure: Switch = False,
    without: Names = (),
    json: Json = False,
) -> int:
    """Send messages to another machine's ratelord federation serve, and measure how long each takes
    there and back.

    The credential, if the other side wants one, is taken from RATELORD_FEDERATION_TOKEN. Exit code
    0 if all were answered, 4 if nobody is there or in time, else 1.

    Parameters
    ----------
    address
        Where it is, such as https://leader.example:8092; the scheme chooses the transport.
    count
        How many messages, one after another.
    bytes
        How long each is.
    timeout
        Seconds that each may take.
    tls_ca
        The authority (PEM) that signed the other side's certificate, if it is your own.
    insecure
        Send the credential although others could read it on the way.
    without
        A plugin to leave out; may be repeated.
    """
    import asyncio

    from ratelord_core.cli import linking
    from ratelord_core.transport import Security

    if count < 1 or not 0 < timeout <= 3600:
        raise CommandFailed("--count is at least 1, --timeout above 0 and at most 3600", USAGE)
    where = linking.typed_address(address)
    size = linking.check_size(bytes)
    security = Security(linking.credential(), authority=str(tls_ca or ""), insecure=insecure)
    name, transport = _chosen(where, security, without)
    within = round(timeout * 1_000_000)
    trying = linking.try_link(transport, where, count=count, size=size, within=within)
    trial = asyncio.run(trying)
    told = _told(where, name, size, trial)
    if json:
        print_json(told)
    else:
        _show(told)
    return trial.exit_code


def serve(
    address: str,
    /,
    *,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    insecure: Switch = False,
    without: Names = (),
    json: Json = False,
) -> int:
    """Answer another machine's ratelord federation ping until stopped, and nothing else.

    Who asks must show what RATELORD_FEDERATION_TOKEN says here, if it is set. An address that
    others can reach needs that, and TLS.

    Parameters
    ----------
    address
        Where to be reachable, such as http://127.0.0.1:8092; the scheme chooses the transport.
    tls_cert
        Certificate chain for TLS (PEM).
    tls_key
        The certificate's private key (PEM).
    insecure
        Be reachable by others without TLS or without a credential.
    without
        A plugin to leave out; may be repeated.
    json
        Say in JSON where it listens: one line, once it does.
    """
    import asyncio

    from ratelord_core.cli import linking
    from ratelord_core.leaving import leaves_when_told
    from ratelord_core.transport import Security

    where = linking.typed_address(address)
    security = Security(
        linking.credential(), str(tls_cert or ""), str(tls_key or ""), insecure=insecure
    )

    def ready(at: Address) -> None:
        if json:
            print_json_line({"listening": at.text})
        else:
            print(f"ratelord federation is listening on {at}", flush=True)

    with leaves_when_told():
        _, transport = _chosen(where, security, without)
        asyncio.run(linking.answer_pings(transport, where, ready))
    return DONE


def _chosen(
    address: Address, security: Security, without: tuple[str, ...]
) -> tuple[str, Transport]:
    from ratelord_core.cli.linking import transport_for
    from ratelord_core.plugins import load

    return transport_for(load(without), address, security)


def _told(address: Address, transport: str, size: int, trial: Trial) -> dict[str, Any]:
    from ratelord_core.cli.linking import figures

    return {
        "address": address.shown,
        "transport": transport,
        "bytes": size,
        "sent": trial.sent,
        "answered": len(trial.trips),
        "round_trip_ms": figures(trial),
        "failures": trial.failures,
        "error": trial.said or None,
    }


def _show(told: dict[str, Any]) -> None:
    from ratelord_core.cli import words

    answered, sent = told["answered"], told["sent"]
    style = "green" if answered == sent else "red" if not answered else "yellow"
    say(f"{told['address']} answered {answered} of {sent} over {told['transport']}", style)
    if told["round_trip_ms"]:
        trips = told["round_trip_ms"].items()
        say("  " + ", ".join(f"{name} {value:g} ms" for name, value in trips))
    if told["error"]:
        counted = ", ".join(f"{name} {count}" for name, count in told["failures"].items())
        say(f"  {counted}: {words.plain(told['error'])}")
