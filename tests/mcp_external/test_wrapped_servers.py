"""Real servers behind the gateway: what a client sees of them is what it saw without it."""

from __future__ import annotations

import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, types

from ratelord_core.testing.desk import Desk

Visit = Callable[..., Any]
Scene = Callable[[Client], Awaitable[list[Any]]]


async def outcome(call: Awaitable[Any]) -> Any:
    """What a request gives, or the error that it ends with."""
    try:
        found = await call
    except Exception as error:
        return type(error).__name__, str(error)
    return found.model_dump() if hasattr(found, "model_dump") else found


def seen(visit: Visit, server: Any, wrapped: str, scene: Scene, **options: Any) -> list[Any]:
    async def play() -> list[Any]:
        async with visit(server, wrapped, **options) as client:
            return [client.protocol_version, client.instructions, *await scene(client)]

    return anyio.run(play)


def submitted(desk: Desk, workload: str) -> int:
    return len(desk.get(f"/v1/events?type=intent_submitted&workload_id={workload}"))


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_server_for_time_over_standard_input(
    visit: Visit, desk: Desk, installed: Path, mode: str
) -> None:
    async def scene(client: Client) -> list[Any]:
        noon = {
            "source_timezone": "Europe/Madrid",
            "time": "12:00",
            "target_timezone": "Asia/Tokyo",
        }
        return [
            await outcome(client.list_tools()),
            await outcome(client.call_tool("convert_time", noon)),
            await outcome(client.call_tool("get_current_time", {"timezone": "No/Where"})),
            await outcome(client.call_tool("no_such_tool", {})),
            await outcome(client.list_resources()),
        ]

    server, before = (
        [str(installed / "bin" / "mcp-server-time")],
        submitted(desk, "time/convert_time"),
    )

    wrapped = seen(visit, server, "time", scene, mode=mode)

    assert wrapped == seen(visit, server, "", scene, mode=mode)
    assert submitted(desk, "time/convert_time") == before + 1
    assert all(pool["held"] == 0 for pool in desk.pools())


def test_a_server_for_git_over_standard_input(
    visit: Visit, desk: Desk, installed: Path, tmp_path: Path
) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.example"]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run([*git, *words], check=True)
    repository = {"repo_path": str(tmp_path)}

    async def scene(client: Client) -> list[Any]:
        return [
            await outcome(client.list_tools()),
            await outcome(client.call_tool("git_log", repository)),
            await outcome(client.call_tool("git_status", repository)),
            await outcome(client.call_tool("git_show", {**repository, "revision": "nope"})),
        ]

    server = [str(installed / "bin" / "mcp-server-git"), "--repository", str(tmp_path)]

    wrapped = seen(visit, server, "git", scene)

    assert wrapped == seen(visit, server, "", scene)
    assert "first" in str(wrapped[3])
    assert submitted(desk, "git/git_log") == 1


def test_a_server_of_everything_over_http(visit: Visit, desk: Desk, everything: str) -> None:
    progress: list[tuple[float, float | None]] = []

    async def note(done: float, total: float | None, _message: str | None) -> None:
        progress.append((done, total))

    async def scene(client: Client) -> list[Any]:
        call = client.call_tool
        work = {"duration": 0.4, "steps": 4}
        return [
            await outcome(client.list_tools()),
            await outcome(client.list_resources()),
            await outcome(client.list_resource_templates()),
            await outcome(client.list_prompts()),
            await outcome(client.get_prompt("args-prompt", {"city": "Lima"})),
            await outcome(call("echo", {"message": "ñandú"})),
            await outcome(call("get-sum", {"a": 1, "b": 2.5})),
            await outcome(call("get-sum", {"a": "x"})),
            await outcome(call("get-structured-content", {"location": "Chicago"})),
            await outcome(call("get-tiny-image", {})),
            await outcome(call("get-resource-links", {"count": 2})),
            await outcome(call("trigger-long-running-operation", work, progress_callback=note)),
        ]

    wrapped = seen(visit, everything, "all", scene)
    through, progress[:] = list(progress), []

    assert wrapped == seen(visit, everything, "", scene)
    assert through == progress
    assert len(through) == 4
    assert submitted(desk, "all/get-sum") == 2


def test_its_questions_to_the_client_pass_over_http(visit: Visit, everything: str) -> None:
    async def human(_context: Any, params: Any) -> types.ElicitResult:
        return types.ElicitResult(action="decline")

    async def model(_context: Any, params: Any) -> types.CreateMessageResult:
        text = types.TextContent(type="text", text="words of a model")
        return types.CreateMessageResult(role="assistant", content=text, model="none")

    async def scene(client: Client) -> list[Any]:
        names = {tool.name for tool in (await client.list_tools()).tools}
        asks = sorted(names & {"trigger-sampling-request", "trigger-elicitation-request"})
        given = {"trigger-sampling-request": {"prompt": "hi", "maxTokens": 5}}
        return [
            asks,
            *[await outcome(client.call_tool(tool, given.get(tool, {}))) for tool in asks],
        ]

    options = {"elicitation_callback": human, "sampling_callback": model}

    wrapped = seen(visit, everything, "all", scene, mode="legacy", **options)

    assert wrapped == seen(visit, everything, "", scene, mode="legacy", **options)
    assert wrapped[2] == ["trigger-elicitation-request", "trigger-sampling-request"]
    assert "words of a model" in str(wrapped)


@pytest.mark.parametrize("over_http", [False, True])
def test_a_real_server_is_not_called_without_leave(
    visit: Visit, desk: Desk, installed: Path, everything: str, over_http: bool
) -> None:
    server: Any = everything if over_http else [str(installed / "bin" / "mcp-server-time")]
    tool, given = (
        ("echo", {"message": "a"}) if over_http else ("get_current_time", {"timezone": "UTC"})
    )

    async def scene(client: Client) -> list[Any]:
        return [await outcome(client.call_tool(tool, given)) for _ in range(2)]

    last = seen(visit, server, "few", scene)[-1]

    assert last["is_error"]
    assert "retry_at=" in last["content"][0]["text"]
