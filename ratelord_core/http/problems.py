"""Refusals and failures as RFC 9457 problems: the one place where errors become statuses."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from ratelord_core.errors import (
    Conflict,
    Finding,
    Forbidden,
    InvalidRequest,
    NotFound,
    PolicyError,
    RatelordError,
    Refused,
    StoreError,
    Unavailable,
)
from ratelord_core.http.exchange import Exchange, Reply
from ratelord_core.http.failure import log_failure

PROBLEM_JSON: Final = b"application/problem+json"


class HttpRefusal(Refused):
    """A refusal that only HTTP knows: a wrong method, a foreign host, a body that is too large."""

    def __init__(
        self, status: int, code: str, message: str, headers: Iterable[tuple[bytes, bytes]] = ()
    ) -> None:
        super().__init__(message, code=code)
        self.status = status
        self.headers = tuple(headers)


class Problem(msgspec.Struct, frozen=True):
    """The body of every error reply. ``errors`` say what is wrong with which field."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: tuple[dict[str, Any], ...] = ()


_STATUS: Final[tuple[tuple[type[RatelordError], int], ...]] = (
    (InvalidRequest, 400),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (PolicyError, 422),
    (Unavailable, 503),
    (StoreError, 503),
)
_STATUS_OF_CODE: Final = {"not_leader": 421, "overloaded": 429, "too_many_streams": 429}
"""Codes whose status says more than their class does."""
TITLES: Final = {
    400: "The request is not valid",
    401: "A valid token is needed",
    403: "This caller may not do that",
    404: "There is no such thing",
    405: "The method does not fit",
    408: "The request did not arrive in time",
    409: "The request contradicts what already stands",
    413: "The body is too large",
    415: "The content type does not fit",
    421: "Another node answers this",
    422: "The document is not valid",
    429: "The daemon has too much to do",
    500: "Something went wrong inside the daemon",
    503: "The daemon cannot answer now",
}


def problem_reply(error: Exception, exchange: Exchange) -> Reply:
    """The reply for whatever was raised; what nobody foresaw is a 500 and is logged by its id."""
    status = status_of(error)
    if status == 500:
        return _unforeseen(error, exchange)
    code = error.code if isinstance(error, RatelordError) else "internal_error"
    problem = _problem(exchange, status, code, _line(error), _errors(error))
    return Reply(msgspec.json.encode(problem), status, PROBLEM_JSON, _headers(error))


def status_of(error: Exception) -> int:
    """The HTTP status of an error."""
    if isinstance(error, HttpRefusal):
        return error.status
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return _STATUS_OF_CODE.get(error.code, status)
    return 500


def finding_error(finding: Finding | Any) -> dict[str, Any]:
    """A policy finding as an entry of ``errors``, with its place in the document."""
    return {
        "field": finding.path,
        "message": finding.message,
        "line": finding.line,
        "column": finding.column,
        "hint": finding.hint,
    }


def policy_problem(exchange: Exchange, source: str, findings: Sequence[Any]) -> Reply:
    """The reply for a document that was checked and found wrong. Its detail says of the first ten
    findings what the command line says: ``source:line:column: message (hint)``."""
    errors = tuple(finding_error(finding) for finding in findings)
    found = (msgspec.convert(one, Finding, from_attributes=True) for one in findings[:10])
    detail = "; ".join(one.text(source) for one in found)
    problem = _problem(exchange, 422, PolicyError.code, detail, errors)
    return Reply(msgspec.json.encode(problem), 422, PROBLEM_JSON)


def _unforeseen(error: Exception, exchange: Exchange) -> Reply:
    log_failure("request failed", exchange, error)
    detail = f"the daemon logged this as request {exchange.request_id}; it goes on working"
    problem = _problem(exchange, 500, "internal_error", detail, ())
    return Reply(msgspec.json.encode(problem), 500, PROBLEM_JSON)


def _problem(
    exchange: Exchange, status: int, code: str, detail: str, errors: tuple[dict[str, Any], ...]
) -> Problem:
    raw_path: bytes = exchange.scope.get("raw_path") or b"/"
    return Problem(
        f"urn:ratelord:problem:{code}",
        TITLES.get(status, "The request was refused"),
        status,
        detail,
        raw_path.decode("latin-1"),
        code,
        exchange.request_id,
        errors,
    )


def _line(error: Exception) -> str:
    return "; ".join(str(error).splitlines())


def _errors(error: Exception) -> tuple[dict[str, Any], ...]:
    if isinstance(error, InvalidRequest):
        return tuple({"field": fault.field, "message": fault.message} for fault in error.fields)
    if isinstance(error, PolicyError):
        return tuple(finding_error(finding) for finding in error.findings)
    return ()


def _headers(error: Exception) -> tuple[tuple[bytes, bytes], ...]:
    if isinstance(error, HttpRefusal):
        return error.headers
    if isinstance(error, Unavailable):
        return ((b"retry-after", b"%d" % max(1, math.ceil(error.retry_after))),)
    if isinstance(error, StoreError):
        return ((b"retry-after", b"5"),)
    return ()
