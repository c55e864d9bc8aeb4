"""The suite's tools that answer in several rounds: what is missing is asked for, and the client calls
again with the answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from mcp import MCPError, types

Context = Any
Request = types.CreateMessageRequest | types.ElicitRequest | types.ListRootsRequest
Tool = Callable[[Context, types.CallToolRequestParams], Any]


def form(message: str, field: str, kind: str = "string") -> types.ElicitRequest:
    """A question to the human."""
    schema = {"type": "object", "properties": {field: {"type": kind}}, "required": [field]}
    params = types.ElicitRequestFormParams(message=message, requested_schema=schema)
    return types.ElicitRequest(params=params)


def sampling(words: str, tokens: int) -> types.CreateMessageRequest:
    """A question to the model."""
    content = types.TextContent(type="text", text=words)
    params = types.CreateMessageRequestParams(
        messages=[types.SamplingMessage(role="user", content=content)], max_tokens=tokens
    )
    return types.CreateMessageRequest(params=params)


def roots() -> types.ListRootsRequest:
    """A question to the client."""
    return types.ListRootsRequest(params=types.RequestParams())


def missing(
    asked: Mapping[str, Request], params: Any, state: str | None = None
) -> types.InputRequiredResult | None:
    """The questions, unless all are answered."""
    answers = params.input_responses or {}
    open_questions = {key: request for key, request in asked.items() if key not in answers}
    if not open_questions:
        return None
    return types.InputRequiredResult(input_requests=open_questions, request_state=state)


def said(words: str) -> types.CallToolResult:
    """A result in words."""
    return types.CallToolResult(content=[types.TextContent(type="text", text=words)])


def asks(asked: Mapping[str, Request], answer: Callable[[Mapping[str, Any]], str]) -> Tool:
    """A tool that asks once."""

    def tool(_context: Context, params: types.CallToolRequestParams) -> Any:
        return missing(asked, params) or said(answer(params.input_responses or {}))

    return tool


def remembers(asked: Mapping[str, Request]) -> Tool:
    """A tool that gives the client something to keep, and wants it back."""

    def tool(_context: Context, params: types.CallToolRequestParams) -> Any:
        found = missing(asked, params, "kept")
        if found is None and params.request_state != "kept":
            raise MCPError(types.INVALID_PARAMS, "that is not the state that was given")
        return found or said("state-ok")

    return tool


def two_rounds(_context: Context, params: types.CallToolRequestParams) -> Any:
    """Ask twice, one after the other."""
    if params.request_state is None:
        return missing({"step1": form("Step 1: What is your name?", "name")}, params, "1")
    if params.request_state == "1":
        return missing(
            {"step2": form("Step 2: What is your favorite color?", "color")}, params, "2"
        )
    return said("both steps are done")


def within_capabilities(context: Context, _params: types.CallToolRequestParams) -> Any:
    """Ask only what this client can answer."""
    able = context.session.client_capabilities
    possible: dict[str, tuple[Any, Request]] = {
        "human": (able.elicitation, form("Who?", "name")),
        "model": (able.sampling, sampling("Who?", 10)),
    }
    asked = {key: request for key, (can, request) in possible.items() if can is not None}
    return types.InputRequiredResult(input_requests=asked) if asked else said("nobody to ask")


def greeting(answers: Mapping[str, Any]) -> str:
    """A greeting by name."""
    content = answers["user_name"].content or {}
    return f"Hello, {content.get('name')}!"


NAME = {"user_name": form("What is your name?", "name")}
CONFIRM = {"confirm": form("Please confirm", "ok", "boolean")}
SEVERAL = {**NAME, "greeting": sampling("Generate a greeting", 50), "client_roots": roots()}
QUESTIONS: dict[str, Tool] = {
    "test_input_required_result_elicitation": asks(NAME, greeting),
    "test_input_required_result_sampling": asks(
        {"capital_question": sampling("What is the capital of France?", 100)},
        lambda answers: str(answers["capital_question"].content),
    ),
    "test_input_required_result_list_roots": asks(
        {"client_roots": roots()},
        lambda answers: ", ".join(str(root.uri) for root in answers["client_roots"].roots),
    ),
    "test_input_required_result_request_state": remembers(CONFIRM),
    "test_input_required_result_tampered_state": remembers(CONFIRM),
    "test_input_required_result_multiple_inputs": remembers(SEVERAL),
    "test_input_required_result_multi_round": two_rounds,
    "test_input_required_result_capabilities": within_capabilities,
    "test_streaming_elicitation": asks(NAME, greeting),
}


class PROMPT:
    """The prompt that asks."""

    name = "test_input_required_result_prompt"
    _asked: ClassVar = {"user_context": form("What context should the prompt use?", "context")}

    @classmethod
    def get(cls, _context: Context, params: types.GetPromptRequestParams) -> Any:
        """The prompt, or the question."""
        found = missing(cls._asked, params)
        if found is not None:
            return found
        answers = params.input_responses or {}
        content = types.TextContent(type="text", text=f"Use {answers['user_context']}")
        return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=content)])
