"""The policy: shown, checked, read again."""

from __future__ import annotations

from typing import Any

import msgspec

from ratelord_core.arbiter import Arbiter
from ratelord_core.backstage import backstage
from ratelord_core.errors import Finding, InvalidRequest, PolicyError
from ratelord_core.http.body import DOCUMENT_TYPES, media_type, read_body
from ratelord_core.http.exchange import Answer, Exchange, json_reply
from ratelord_core.http.problems import policy_problem
from ratelord_core.http.settings import HttpSettings
from ratelord_core.http.wire import check_bytes, read_tree

DOCUMENT_MEDIA = ("application/yaml", "text/yaml", "text/plain")
"""Media types of a policy beside JSON."""
SOURCE = "request"
"""What findings call a document that came over the wire."""
_NOTHING = Finding("the document is empty", 1, 1, hint="send a policy; {} is one without rules")


class Policy:
    """What HTTP does with the policy."""

    def __init__(self, arbiter: Arbiter, settings: HttpSettings) -> None:
        self._arbiter = arbiter
        self._limit = settings.policy_limit

    async def show(self, exchange: Exchange) -> Answer:
        """The policy in force, normalised, with its version and source."""
        return json_reply(self._arbiter.policy())

    async def tools(self, exchange: Exchange) -> Answer:
        """What calls of tools are to the arbiter, for whoever asks in their name."""
        return json_reply(self._arbiter.tool_mapping())

    async def check(self, exchange: Exchange) -> Answer:
        """Whether a document could come into force; if not, a 422 with every finding.

        The body is the document (YAML or JSON), or `{"document": text or object}`.
        """
        text = await read_document(exchange, self._limit)
        # Compiling thousands of conditions takes seconds; questions must not wait for it.
        view = await backstage(self._arbiter.check_policy, text, SOURCE)
        return json_reply(view) if view.valid else policy_problem(exchange, SOURCE, view.errors)

    async def reload(self, exchange: Exchange) -> Answer:
        """Read the policy file again; one that is not valid is a 422, and the old one stays."""
        return json_reply(await self._arbiter.reload_policy(exchange.caller))


async def read_document(exchange: Exchange, limit: int) -> str:
    """The policy in a body: the document itself, YAML or JSON, or ``{"document": …}``. Raises
    ``PolicyError`` for an empty one."""
    is_json = media_type(exchange, DOCUMENT_TYPES) == "application/json"
    body = await read_body(exchange, limit, DOCUMENT_TYPES, optional=not is_json)
    if is_json:
        check_bytes(body)
        return _unwrapped(read_tree(body), body.decode("utf-8"))
    text = _decoded(body)
    if not text.strip():
        raise PolicyError(SOURCE, [_NOTHING])
    return text


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = body[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        message, hint = f"byte 0x{body[error.start]:02x} is not UTF-8", "send it as UTF-8"
        raise PolicyError(SOURCE, [Finding(message, line, column, hint=hint)]) from None


def _unwrapped(tree: Any, text: str) -> str:
    if not isinstance(tree, dict):
        raise InvalidRequest("the body is not a JSON object: send a policy document")
    if "document" not in tree:
        return text
    document = tree["document"]
    if isinstance(document, str):
        return document
    if isinstance(document, dict):
        return msgspec.json.encode(document).decode("utf-8")
    raise InvalidRequest("document is neither a text nor an object")
