"""The client's errors as the arbiter's refusals: the bridge fails as the daemon itself would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import ratelord
from ratelord_core.errors import (
    Conflict,
    FieldError,
    Forbidden,
    InvalidRequest,
    NotFound,
    PolicyError,
    RatelordError,
    Refused,
    Unavailable,
)
from ratelord_mcp.bridge.reading import finding_of

UNREACHABLE: Final = "daemon_unreachable"
_KINDS: Final[dict[int, type[Refused]]] = {
    400: InvalidRequest,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: InvalidRequest,
}


@contextmanager
def translated() -> Iterator[None]:
    """Raise what the client raises in the arbiter's words."""
    try:
        yield
    except ratelord.RatelordError as error:
        raise refusal_of(error) from None


def refusal_of(error: ratelord.RatelordError) -> RatelordError:
    """The refusal that an error of the client stands for."""
    if isinstance(error, ratelord.RequestRefused):
        return _refused(error)
    if isinstance(error, ratelord.UpstreamError) and error.upstream_code:
        return Unavailable(
            str(error), code=error.upstream_code, retry_after=error.retry_after or 1.0
        )
    return Unavailable(f"daemon unreachable: {error}", code=UNREACHABLE)


def _refused(error: ratelord.RequestRefused) -> RatelordError:
    if error.status == 422:
        findings = error.problem.get("errors") or ()
        return PolicyError("policy", [finding_of(each) for each in findings])
    kind = _KINDS.get(error.status, Refused)
    message = f"{error}; check RATELORD_TOKEN" if error.status == 401 else str(error)
    if kind is InvalidRequest:
        fields = tuple(FieldError(*each) for each in error.errors)
        return InvalidRequest(message, code=error.code, fields=fields)
    return kind(message, code=error.code)
