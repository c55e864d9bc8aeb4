"""Who did what to the daemon: the trail of those who run it."""

from __future__ import annotations

from typing import ClassVar

from ratelord_core.events.payloads import Payload


class AdministrativeAct(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """Somebody ran the daemon: ``action`` (``identity.rotate``, ``policy.reload`` …) on ``target``.

    ``actor`` is the identity whose token or certificate was shown; empty: whoever is at this
    machine, or the daemon itself (the event's source says which). ``outcome`` is ``done``, or the
    code of the refusal. Stands behind the events of what was done, in the same commit.
    """

    event_type: ClassVar[str] = "administrative_act"
    action: str
    target: str = ""
    actor: str = ""
    role: str = "admin"
    request_id: str = ""
    outcome: str = "done"
