"""The last word on a denial that policy marks overridable: the human behind the client."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict
from typing import Any, Final

import anyio
from mcp import MCPError, types

from ratelord_core.errors import Forbidden, RatelordError
from ratelord_core.model.caller import Caller
from ratelord_core.model.decision import Decision
from ratelord_core.model.intent import Intent
from ratelord_mcp import human
from ratelord_mcp.call import Context, McpCall
from ratelord_mcp.hearing import heard

_SECONDS: Final = 20.0
"""How long a call may stand still for a human; no tool of ours takes longer."""
_MOST: Final = 1000
"""Questions that wait for an answer; of more, the oldest are forgotten."""
_MODERN: Final = "2026-07-28"

_log = logging.getLogger(__name__)


class HumanOverride:
    """A ``WhenDenied``: asks by elicitation where the client can, in either era; elsewhere a denial
    stays one."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, str] = OrderedDict()
        """Denied intents, by the state that a client of the stateless era brings back."""
        self._believed = True
        """Until a daemon elsewhere says that it does not believe this process's token."""

    async def __call__(
        self, call: McpCall, intent: Intent, decision: Decision
    ) -> Decision | types.InputRequiredResult:
        """The decision that stands in the end, or the question to the human."""
        answered = self._answered(call)
        if answered is not None:
            intent_id, verdict = answered
            return await self._heard(call, intent_id, verdict, decision)
        rule = decision.decided_by
        if intent.dry_run or rule is None or not rule.overridable or not self._believed:
            return decision
        if not _can_ask(call.context):
            return decision
        asked = human.question(
            intent.agent_id, f"do {intent.workload_id} in {intent.scope_id}", decision.reason
        )
        if call.context.protocol_version >= _MODERN:
            return self._question(asked, decision.intent_id)
        verdict = await _ask(call.context, asked)
        return await self._heard(call, decision.intent_id, verdict, decision)

    def _question(self, asked: dict[str, Any], intent_id: str) -> types.InputRequiredResult:
        state = secrets.token_urlsafe(16)
        self._waiting[state] = intent_id
        while len(self._waiting) > _MOST:
            self._waiting.popitem(last=False)
        params = types.ElicitRequestFormParams.model_validate({"mode": "form", **asked})
        question = types.ElicitRequest(params=params)
        return types.InputRequiredResult(input_requests={human.KEY: question}, request_state=state)

    def _answered(self, call: McpCall) -> tuple[str, human.Verdict] | None:
        intent_id = self._waiting.pop(call.params.request_state or "", None)
        if intent_id is None:
            return None
        said = (call.params.input_responses or {}).get(human.KEY)
        return intent_id, _verdict(said)

    async def _heard(
        self, call: McpCall, intent_id: str, verdict: human.Verdict, decision: Decision
    ) -> Decision:
        if not verdict.allow:
            return decision
        by = f"human at {_client(call.context, call.caller)}"
        allowing = call.arbiter.override(intent_id, by, verdict.reason, call.caller)
        try:
            return await heard(asyncio.ensure_future(allowing), call.arbiter, call.caller)
        except RatelordError as error:
            _log.warning("intent %s was not overridden: %s", intent_id, error)
            self._believed &= not isinstance(error, Forbidden)
            return decision


def _can_ask(context: Context) -> bool:
    said = context.session.client_capabilities
    if said is None or not human.can_ask(said.model_dump(by_alias=True, exclude_none=True)):
        return False
    return context.protocol_version >= _MODERN or context.session.can_send_request


async def _ask(context: Context, asked: dict[str, Any]) -> human.Verdict:
    verdict = human.NO
    with anyio.move_on_after(_SECONDS):
        try:
            said = await context.session.elicit_form(
                asked["message"], asked["requestedSchema"], context.request_id
            )
        except MCPError as error:
            _log.warning("the client could not ask its human: %s", error)
        else:
            verdict = _verdict(said)
    return verdict


def _verdict(said: object) -> human.Verdict:
    if not isinstance(said, types.ElicitResult):
        return human.NO
    return human.verdict({"action": said.action, "content": said.content})


def _client(context: Context, caller: Caller) -> str:
    if caller.identity_id is not None:
        return caller.identity_id
    said = context.session.client_params
    return said.client_info.name if said is not None and said.client_info else "an MCP client"
