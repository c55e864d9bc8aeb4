"""GitHub's REST and GraphQL APIs, with their primary and secondary limits.

Shapes and numbers: GitHub's guides "Rate limits for the REST API", "Rate limits and query limits
for the GraphQL API" and "Authenticating as a GitHub App installation".
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final

import anyio

from ratelord_core.testing.enforcing.api import Asked
from ratelord_core.testing.enforcing.github_limits import Primary, Secondary, points_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

# From GitHub's documentation once more: a table that proves itself would prove nothing.
_RESOURCES: Final = (
    ("/search/code", "code_search"),
    ("/search/", "search"),
    ("/app-manifests/", "integration_manifest"),
    ("/code-scanning/sarifs", "code_scanning_upload"),
    ("/dependency-graph/snapshots", "dependency_snapshots"),
    ("/dependency-graph/sbom", "dependency_sbom"),
    ("/actions/runners/registration-token", "actions_runner_registration"),
    ("/audit-log", "audit_log"),
    ("/scim/", "scim"),
)
_TOKEN_SECONDS: Final = 3600
_EXCEEDED: Final = "API rate limit exceeded for this account"
_SECONDARY: Final = "You have exceeded a secondary rate limit. Please wait before you try again."


class EnforcingGithub:
    """An ASGI application. ``root`` is where REST lies (``/api/v3`` at an Enterprise Server, whose
    GraphQL is at ``/api/graphql``); ``limits`` are of some resources, others have the documented
    ones. ``tokens`` are those that are good (None: any); ``app_key`` is the public key of an App
    whose assertions are exchanged for tokens of an hour. ``now`` is its clock, in epoch seconds.

    ``refused`` counts refusals by the limit that they are of; ``latency`` (seconds) comes before an
    answer; ``down`` answers 503 to everything.
    """

    def __init__(
        self,
        limits: Mapping[str, int] | None = None,
        *,
        root: str = "/api/v3",
        concurrent: int = 100,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.now = now
        self.root = root
        self.primary = Primary(limits or {}, now)
        self.secondary = Secondary(now, concurrent)
        self.tokens: frozenset[str] | None = None
        self.app_key: Any = None
        self.granted: dict[str, float] = {}
        self.refused: dict[str, int] = {}
        self.accepted = 0
        self.latency = 0.0
        self.down = False
        self.asked: list[Asked] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        from starlette.requests import Request  # noqa: PLC0415 - for tests that start a server

        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        body = await request.body()
        self.asked.append(Asked(request.url.path, dict(request.headers), body))
        with self.secondary.running():
            answer = self._answer(request, body)
            await anyio.sleep(self.latency)
        answer.headers["date"] = formatdate(self.now(), usegmt=True)
        await answer(scope, receive, send)

    def _answer(self, request: Request, body: bytes) -> Response:
        path = request.url.path.removeprefix(self.root)
        if self.down:
            return self._said(503, "No server is currently available")
        if path.endswith("/access_tokens"):
            return self._grant(request)
        if not self._is_known(request):
            return self._said(401, "Bad credentials")
        if path == "/rate_limit":
            return self._unless_known(request, self.primary.listing())
        if path.endswith("/graphql"):
            return self._graphql(body)
        return self._rest(request, path)

    def _rest(self, request: Request, path: str) -> Response:
        resource = next((name for part, name in _RESOURCES if part in path), "core")
        reads = request.method in {"GET", "HEAD", "OPTIONS"}
        creates = request.method == "POST" and path.endswith(("/issues", "/comments", "/pulls"))
        refusal = self._secondary("rest", 1 if reads else 5, creates=creates)
        if refusal is not None:
            return refusal
        tag = f'W/"{hashlib.sha256(path.encode()).hexdigest()[:16]}"'
        if reads and request.headers.get("if-none-match") == tag:  # which costs nothing
            return self._respond(304, None, {"etag": tag, **self.primary.headers(resource)})
        if not self.primary.take(resource, 1):
            return self._exceeded(resource)
        self.accepted += 1
        told = {"etag": tag, **self.primary.headers(resource)}
        return self._respond(200 if reads else 201, {"path": path}, told)

    def _graphql(self, body: bytes) -> Response:
        query = str(json.loads(body).get("query", ""))
        changes = query.lstrip().startswith("mutation")
        creates = changes and ("createIssue" in query or "addComment" in query)
        refusal = self._secondary("graphql", 5 if changes else 1, creates=creates)
        if refusal is not None:
            return refusal
        cost = points_of(query)
        taken = self.primary.take("graphql", cost)
        told = self.primary.headers("graphql")
        if not taken:  # GraphQL says so in an answer that is otherwise good
            self._count("graphql")
            errors = [{"type": "RATE_LIMITED", "message": _EXCEEDED}]
            return self._respond(200, {"errors": errors}, told)
        self.accepted += 1
        window = self.primary.window("graphql")
        seen = {
            "limit": window.limit,
            "cost": cost,
            "remaining": window.limit - window.used,
            "used": window.used,
            "resetAt": datetime.fromtimestamp(window.reset, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return self._respond(200, {"data": {"rateLimit": seen}}, told)

    def _secondary(self, door: str, points: int, *, creates: bool) -> Response | None:
        short = self.secondary.take(door, points, creates=creates)
        if short is None:
            return None
        name, wait = short
        self._count(name)
        return self._said(403, _SECONDARY, {"retry-after": str(wait)})

    def _exceeded(self, resource: str) -> Response:
        self._count(resource)
        return self._said(403, _EXCEEDED, self.primary.headers(resource))

    def _count(self, name: str) -> None:
        self.refused[name] = self.refused.get(name, 0) + 1

    def _is_known(self, request: Request) -> bool:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token.startswith("ghs_"):
            return self.granted.get(token, 0.0) > self.now()
        return self.tokens is None or token in self.tokens

    def _grant(self, request: Request) -> Response:
        """Exchange an App's assertion, if it is signed by its key, and short-lived."""
        import jwt  # noqa: PLC0415 - for Apps only

        told = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:  # when it is valid is by this server's own clock, below
            claims = jwt.decode(
                told,
                self.app_key,
                algorithms=["RS256"],
                options={"verify_exp": False, "verify_iat": False},
            )
        except (jwt.exceptions.PyJWTError, TypeError):
            return self._said(401, "A JSON web token could not be decoded")
        if not claims["iat"] <= self.now() < claims["exp"] <= claims["iat"] + 660:
            return self._said(401, "'Expiration time' claim ('exp') is too far in the future")
        token, until = f"ghs_{len(self.granted)}", self.now() + _TOKEN_SECONDS
        self.granted[token] = until
        expires = datetime.fromtimestamp(until, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return self._respond(201, {"token": token, "expires_at": expires}, {})

    def _unless_known(self, request: Request, content: object) -> Response:
        """The content, or 304 for whoever has it already."""
        tag = f'W/"{hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]}"'
        if request.headers.get("if-none-match") == tag:
            return self._respond(304, None, {"etag": tag})
        return self._respond(200, content, {"etag": tag})

    def _said(self, status: int, message: str, told: Mapping[str, str] | None = None) -> Response:
        return self._respond(status, {"message": message}, told or {})

    def _respond(self, status: int, content: object, told: Mapping[str, str]) -> Response:
        from starlette.responses import JSONResponse, Response  # noqa: PLC0415 - as above

        if content is None:
            return Response(status_code=status, headers=dict(told))
        return JSONResponse(content, status, headers=dict(told))
