"""Every request as a value, and every reply as a record or an error: all but the I/O."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict, TypeVar
from urllib.parse import quote
from uuid import uuid4

import msgspec

from ratelord.decision import Decision, Modifications, OnUnreachable, Outcome
from ratelord.errors import DaemonUnreachable, RatelordError, RequestRefused, UpstreamError

MAX_REPLY_BYTES = 64 * 1024 * 1024
_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "set-cookie"})
_OPTIONS = {"max_wait": "max_wait_seconds"}

T = TypeVar("T")


def new_key() -> str:
    """A fresh idempotency key."""
    return uuid4().hex


class AskOptions(TypedDict, total=False):
    """What may be said about an intent beside its four ids; None means nothing was said.

    ``expected_cost`` and ``costs`` (by ``provider_id/pool_id``) are units, ``duration_hint`` and
    ``max_wait`` seconds; ``provider_id``/``pool_id`` pin the pool; ``renews`` is an earlier intent.
    """

    urgency: Literal["high", "normal", "background"] | None
    expected_cost: float | None
    costs: Mapping[str, float] | None
    provider_id: str | None
    pool_id: str | None
    model: str | None
    duration_hint: float | None
    max_wait: float | None
    idempotency_key: str | None
    renews: str | None
    debug: bool
    client_context: Mapping[str, Any] | None


class Call(msgspec.Struct, frozen=True):
    """One request. ``repeatable``: sending it twice has the effect of sending it once."""

    method: str
    path: str
    query: dict[str, str] = {}
    body: dict[str, Any] | None = None
    repeatable: bool = True

    @property
    def content(self) -> bytes | None:
        """The body's bytes."""
        return None if self.body is None else msgspec.json.encode(self.body)


class Reply(msgspec.Struct, frozen=True):
    """One response, read to its end."""

    status: int
    headers: Mapping[str, str]
    content: bytes


def ask(
    ids: tuple[str, str, str, str],
    options: AskOptions,
    *,
    key: str | None,
    dry_run: bool = False,
) -> Call:
    """The question. ``key`` makes a retry harmless; a dry run holds nothing and needs none."""
    unknown = sorted(set(options) - AskOptions.__optional_keys__)
    if unknown:
        known = ", ".join(sorted(AskOptions.__optional_keys__))
        raise TypeError(f"ask() knows no option {unknown[0]!r}; it knows {known}")
    body: dict[str, Any] = dict(
        zip(("agent_id", "identity_id", "workload_id", "scope_id"), ids, strict=True)
    )
    body |= {_OPTIONS.get(k, k): v for k, v in options.items() if v is not None}
    _finite(body)
    if dry_run:
        body["dry_run"] = True
    elif key is not None:
        body["idempotency_key"] = key
    return Call("POST", "/v1/intent", body=body)


def ask_batch(intents: Sequence[Mapping[str, Any]]) -> Call:
    """Many questions, each the body of one. Those without a key get one, so that a retry is
    harmless; a dry run holds nothing and needs none."""
    bodies = []
    for intent in intents:
        body = {name: value for name, value in intent.items() if value is not None}
        _finite(body)
        if not body.get("dry_run"):
            body.setdefault("idempotency_key", new_key())
        bodies.append(body)
    return Call("POST", "/v1/intents/batch", body={"intents": bodies})


def observe(provider_id: str, seen: Mapping[str, Any]) -> Call:
    """Numbers seen in passing. Response headers lose what is secret before they leave."""
    body = {name: value for name, value in seen.items() if value is not None}
    if "headers" in body:
        body["headers"] = _public(body["headers"])
    _finite(body)
    return Call("POST", "/v1/observations", body={"provider_id": provider_id} | body)


def inject(provider_id: str, pool_id: str, usage: int | None, limit: int | None) -> Call:
    """What a simulated provider is to report from now on."""
    body: dict[str, Any] = {"provider_id": provider_id, "pool_id": pool_id}
    body |= {n: v for n, v in (("usage", usage), ("limit", limit)) if v is not None}
    return Call("POST", "/debug/provider/inject", body=body)


def report(
    intent_id: str,
    outcome: Outcome,
    *,
    actual_cost: float | None,
    costs: Mapping[str, float] | None,
    headers: Mapping[str, str] | None,
    key: str | None,
) -> Call:
    """What the action really cost. Response headers lose what is secret before they leave."""
    body: dict[str, Any] = {"outcome": outcome, "idempotency_key": key, "actual_cost": actual_cost}
    body["costs"] = dict(costs) if costs else None
    if headers:
        body["headers"] = _public(headers)
    _finite(body)
    body = {name: value for name, value in body.items() if value is not None}
    return Call("POST", f"/v1/intents/{segment(intent_id)}/report", body=body)


def extend(intent_id: str, seconds: float) -> Call:
    """Let the holds of an intent live until ``seconds`` from now."""
    body = {"seconds": seconds}
    _finite(body)
    return Call("POST", f"/v1/intents/{segment(intent_id)}/extend", body=body)


def override(intent_id: str, by: str | None, reason: str) -> Call:
    """A human allows once what an overridable rule denied."""
    body = {name: value for name, value in (("by", by), ("reason", reason)) if value}
    return Call("POST", f"/v1/intents/{segment(intent_id)}/override", body=body)


def register(identity_id: str, kind: str, details: Mapping[str, Any]) -> Call:
    """Make an identity known. Not repeatable: the second time it would already exist."""
    body = {"identity_id": identity_id, "kind": kind}
    body |= {name: value for name, value in details.items() if value is not None}
    return Call("POST", "/v1/identities", body=body, repeatable=False)


def change(identity_id: str, verb: str, details: Mapping[str, Any]) -> Call:
    """Rotate, revoke, quarantine or restore an identity."""
    body = {name: value for name, value in details.items() if value is not None}
    return Call(
        "POST", f"/v1/identities/{segment(identity_id)}/{verb}", body=body, repeatable=False
    )


def look(path: str, **filters: object) -> Call:
    """A reader; filters that are None are left out."""
    query = {
        name.rstrip("_"): str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in filters.items()
        if value is not None
    }
    return Call("GET", path, query=query)


def pool_path(key: str) -> str:
    """The path of a pool, by its key ``provider_id/pool_id``."""
    provider_id, _, pool_id = key.partition("/")
    if not pool_id:
        raise ValueError(f"{key!r} is not a pool; write it as provider_id/pool_id")
    return f"/v1/pools/{segment(provider_id)}/{segment(pool_id)}"


def segment(text: str) -> str:
    """A name as one segment of a path; a name made of dots alone must not climb it."""
    return quote(text, safe="") if text.strip(".") else text.replace(".", "%2E")


def parse(reply: Reply, kind: type[T]) -> T:
    """The reply as a record (or plain JSON for ``dict``/``list``); raises what it says instead."""
    check(reply)
    try:
        return msgspec.json.decode(reply.content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UpstreamError(
            f"the answer makes no sense ({error}); is it a ratelord daemon of this version?",
            status=reply.status,
            outcome_unknown=True,
        ) from None


def check(reply: Reply) -> None:
    """Raise the error that a reply stands for, if it does."""
    if 200 <= reply.status < 300:
        return
    problem = _problem(reply.content)
    code = str(problem.get("code") or "")
    said = str(problem.get("detail") or problem.get("title") or f"HTTP {reply.status}")
    if reply.status in (408, 421, 429) or not 400 <= reply.status < 500:
        raise UpstreamError(
            f"the daemon answered {reply.status}: {said}",
            status=reply.status,
            upstream_code=code,
            retry_after=_retry_after(reply.headers),
            outcome_unknown=reply.status in (408, 500, 502, 504),
        )
    raise RequestRefused(
        said,
        status=reply.status,
        code=code or f"http_{reply.status}",
        errors=_field_errors(problem),
        request_id=str(problem.get("request_id") or reply.headers.get("x-request-id", "")),
        problem=problem,
    )


def items(listing: object) -> list[dict[str, Any]]:
    """The rows of a reader, which sends a bare array or a page ``{"items": […]}``."""
    rows = listing.get("items") if isinstance(listing, dict) else listing
    if not isinstance(rows, list):
        raise UpstreamError("the answer is no list; is it a ratelord daemon?", status=200)
    return rows


def without_daemon(error: RatelordError, on_unreachable: OnUnreachable) -> Decision:
    """The decision that stands in for an answer that could not be had."""
    allow = on_unreachable == "allow"
    verdict: Literal["approve", "deny_with_reason"] = "approve" if allow else "deny_with_reason"
    return Decision(
        intent_id="",
        decision=verdict,
        status=verdict,
        allowed=allow,
        reason_code=error.code,
        reason=str(error),
        modifications=Modifications(),
        warnings=("allowed without an answer, as on_unreachable says",) if allow else (),
        retry_after_seconds=None if allow else error.retry_after or 1.0,
    )


def stands_in_for(error: RatelordError) -> bool:
    """Whether ``ask`` answers for the daemon, instead of raising this."""
    return isinstance(error, DaemonUnreachable | UpstreamError)


def _public(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in headers.items() if k.lower() not in _SECRET_HEADERS}


def _finite(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{name} is {value}; give a finite number")
        if name == "costs" and isinstance(value, Mapping):
            _finite(value)


def _problem(content: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _field_errors(problem: Mapping[str, Any]) -> list[tuple[str, str]]:
    errors = problem.get("errors")
    if not isinstance(errors, list):
        return []
    return [
        (str(each.get("field", "")), str(each.get("message", "")))
        for each in errors
        if isinstance(each, dict)
    ]


def _retry_after(headers: Mapping[str, str]) -> float | None:
    # The daemon sends whole seconds; a date (from a proxy) is treated as no advice.
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < math.inf else None
