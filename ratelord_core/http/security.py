"""Who is calling, and what that caller may do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import msgspec

from ratelord_core.errors import Forbidden
from ratelord_core.http.audience import is_addressed
from ratelord_core.http.exchange import CERTIFIED, Exchange
from ratelord_core.http.problems import HttpRefusal
from ratelord_core.http.settings import HttpSettings
from ratelord_core.model.caller import Caller
from ratelord_core.wire.faults import shown

Access = Literal["open", "known", "ask", "explain", "look", "override", "administer"]
"""What a route needs: nothing, any valid token, or a role that includes it."""

_MAY: Final[dict[str, frozenset[str]]] = {
    "agent": frozenset({"open", "known", "ask", "explain"}),
    "viewer": frozenset({"open", "known", "explain", "look"}),
    "admin": frozenset({"open", "known", "ask", "explain", "look", "override", "administer"}),
}


def roles_for(access: Access) -> tuple[str, ...]:
    """The roles that have an access; the local operator counts as admin."""
    return tuple(role for role, may in _MAY.items() if access in may)


class Unauthorized(HttpRefusal):
    """A 401. ``guessed``: a token was sent, and is wrong."""

    def __init__(self, message: str, challenge: bytes, *, guessed: bool) -> None:
        super().__init__(401, "unauthorized", message, ((b"www-authenticate", challenge),))
        self.guessed = guessed


Find = Callable[[str], Caller | None]


class Gate:
    """Turns the Authorization header, or the client's certificate, into a caller.

    ``authenticate`` knows tokens, ``certified`` the names in verified certificates.
    """

    def __init__(self, authenticate: Find, certified: Find, settings: HttpSettings) -> None:
        self._authenticate = authenticate
        self._certified = certified
        self._tcp_local = settings.auth == "local"
        self._socket_local = settings.socket_auth == "local"

    def admit(self, exchange: Exchange) -> None:
        """Fill in the exchange's caller. A wrong token is a 401 even where none is needed."""
        header = exchange.headers.get(b"authorization")
        caller = self.caller_of(
            header,
            exchange.request_id,
            by_socket=_by_socket(exchange),
            certified=exchange.scope.get(CERTIFIED),
        )
        if caller is not None:
            _check_audience(caller, exchange)
            exchange.caller, exchange.known = caller, True

    def caller_of(
        self,
        authorization: bytes | None,
        request_id: str,
        *,
        by_socket: bool,
        certified: str | None = None,
    ) -> Caller | None:
        """Who sends that header, or shows the certificate of that name; a token overrules it.

        None if a token is missing and needed. A wrong token or certificate is a 401.
        """
        if authorization is not None:
            caller = self._authenticate(_bearer(authorization))
            if caller is None:
                raise _unauthorized("the token belongs to no active identity", b"invalid_token")
        elif certified is not None:
            caller = self._certified(certified)
            if caller is None:
                raise _unauthorized(f"certificate of {shown(certified)}: no active identity")
        else:
            local = self._socket_local if by_socket else self._tcp_local
            return Caller(door="http", request_id=request_id) if local else None
        return msgspec.structs.replace(caller, door="http", request_id=request_id)


def _check_audience(caller: Caller, exchange: Exchange) -> None:
    """A token that was made for another address is a 401."""
    if not caller.audience:
        return
    host = exchange.headers.get(b"host", b"").decode("latin-1")
    tls = exchange.scope.get("scheme") == "https"
    if not is_addressed(caller.audience, host, exchange.scope["path"], tls=tls):
        meant = " ".join(caller.audience)[:200]
        raise _unauthorized(f"the token is for {meant}, not for this address", b"invalid_token")


def permit(exchange: Exchange, access: Access) -> None:
    """Raise 401 for a caller who must say who it is, 403 for one whose role does not suffice."""
    if access == "open":
        return
    if not exchange.known:
        raise _unauthorized(
            "send Authorization: Bearer TOKEN; an admin makes one with identity add"
        )
    permit_role(exchange.caller, access)


def permit_role(caller: Caller, access: Access) -> None:
    """Raise 403 for a caller whose role does not suffice."""
    if access == "override" and caller.may_override:
        return
    if access not in _MAY[caller.role]:
        raise Forbidden(f"role {caller.role} may not {access} here; use a token {_with(access)}")


def _with(access: Access) -> str:
    """What a token needs for an access."""
    if access == "override":
        return "of role admin, or of an identity added with --may-override"
    return "whose role may"


def act_as(caller: Caller, identity_id: str) -> None:
    """Raise ``Forbidden`` unless the caller may act as that identity: an agent only as itself."""
    if caller.role == "agent" and caller.identity_id != identity_id:
        raise Forbidden(
            f"this token is of identity {caller.identity_id}, not of {identity_id}; "
            "send its own identity_id"
        )


def _by_socket(exchange: Exchange) -> bool:
    server = exchange.scope.get("server")
    return server is not None and server[1] is None


def _bearer(header: bytes) -> str:
    scheme, _, token = header.strip().partition(b" ")
    token = token.strip()
    if scheme.lower() != b"bearer" or not token or len(token) > 512 or not token.isascii():
        raise _unauthorized("Authorization is not of the form Bearer TOKEN", b"invalid_request")
    return token.decode("ascii")


def _unauthorized(message: str, error: bytes = b"") -> HttpRefusal:
    challenge = b'Bearer realm="ratelord"' + (b', error="%s"' % error if error else b"")
    return Unauthorized(message, challenge, guessed=bool(error))


def is_wrong_token(error: Exception) -> bool:
    """Whether a refusal is for a token that was sent and is wrong; a missing one is no guess."""
    return isinstance(error, Unauthorized) and error.guessed
