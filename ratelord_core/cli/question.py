"""What may be said about an intent on the command line, beside its workload and scope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from ratelord_core.cli import known_ids
from ratelord_core.cli.amounts import read_context, read_costs, read_pin

if TYPE_CHECKING:
    from ratelord.wire import AskOptions


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Question:
    """What may be said about an intent.

    Parameters
    ----------
    agent
        Who asks; else RATELORD_AGENT, else cli: and your name.
    identity
        Whose credential is charged; else RATELORD_IDENTITY, else the only registered one.
    cost
        How much it will cost: multiplies what one call consumes.
    costs
        What it will take of one pool, as PROVIDER/POOL=UNITS; may be repeated.
    urgency
        How much it matters.
    pool
        Draw from this pool: PROVIDER/POOL, or the pool's name beside --provider.
    provider
        Draw from this provider's pools.
    model
        The model to be used, for prices and for limits of that model.
    duration
        Seconds that it will take; what is held lives so long.
    max_wait
        Longest acceptable wait in seconds; 0 = now or never.
    renews
        The earlier intent that this one continues.
    key
        Idempotency key: the same key gets the first answer again.
    context
        What is your own, as KEY=VALUE; run_id and task_id name the run and the task; may be
        repeated.
    """

    agent: Annotated[str | None, Parameter(completer=known_ids.agents)] = None
    identity: Annotated[str | None, Parameter(completer=known_ids.identities)] = None
    cost: float | None = None
    costs: Annotated[tuple[str, ...], Parameter(completer=known_ids.pools, negative=())] = ()
    urgency: Literal["high", "normal", "background"] | None = None
    pool: Annotated[str | None, Parameter(completer=known_ids.pools)] = None
    provider: str | None = None
    model: str | None = None
    duration: float | None = None
    max_wait: float | None = None
    renews: Annotated[str | None, Parameter(completer=known_ids.intents)] = None
    key: str | None = None
    context: Annotated[tuple[str, ...], Parameter(negative=())] = ()

    def options(self, *, debug: bool) -> AskOptions:
        """The same for the client."""
        provider, pool = read_pin(self.provider, self.pool)
        return {
            "expected_cost": self.cost,
            "costs": read_costs(self.costs),
            "urgency": self.urgency,
            "provider_id": provider,
            "pool_id": pool,
            "model": self.model,
            "duration_hint": self.duration,
            "max_wait": self.max_wait,
            "renews": self.renews,
            "idempotency_key": self.key,
            "debug": debug,
            "client_context": read_context(self.context),
        }


NOTHING_SAID = Question()
