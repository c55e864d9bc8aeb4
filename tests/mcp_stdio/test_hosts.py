"""Hosts learn of us, and lose nothing of their own by it."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelord_core.cli.app import run
from ratelord_mcp.hosts import instructions, jsonc
from ratelord_mcp.hosts.host import HOSTS, Entry, file_of, merged, snippet
from ratelord_mcp.hosts.writing import change

ENTRY = Entry("/opt/r/bin/ratelord", ("mcp",))

COMMENTED = """\
// what my editor talks to
{
    "other": {"deep": [1, 2.50, "// no comment"]}, /* kept */
    "mcpServers": {
        "git": {"command": "git-mcp"}, // mine
        "ratelord": {
            "command": "/old/ratelord", // moved since
            "args": ["mcp"],
            "env": {"RATELORD_URL": "http://127.0.0.1:9000"},
        },
    },
}
"""


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "CODEX_HOME", "APPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_comments_and_everything_else_stay_as_they_were():
    after = merged(COMMENTED, HOSTS["cursor"], ENTRY)

    assert after == COMMENTED.replace("/old/ratelord", "/opt/r/bin/ratelord")


def test_an_entry_is_added_in_the_style_of_the_file():
    text = '{\r\n\t"mcpServers": {\r\n\t\t"git": {"command": "g"}\r\n\t}\r\n}\r\n'

    after = merged(text, HOSTS["cursor"], ENTRY)

    assert after.startswith(text[: text.index("}")] + '},\r\n\t\t"ratelord": {\r\n\t\t\t"command"')
    assert "\n" not in after.replace("\r\n", "")
    assert json.loads(after)["mcpServers"]["ratelord"]["args"] == ["mcp"]


@pytest.mark.parametrize(
    "text", ["", "{}", "{ }", "{\n}\n", '{"a": 1}', '{"mcpServers": {}}', "// x\n{}"]
)
def test_an_entry_is_added_to_a_file_without_servers(text):
    node = jsonc.read(merged(text, HOSTS["claude-code"], ENTRY))

    entry = {"type": "stdio", "command": "/opt/r/bin/ratelord", "args": ["mcp"]}
    assert node.value["mcpServers"] == {"ratelord": entry}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{", "line 1, column 2: a name in quotes is missing"),
        ('{"a": 1\n "b": 2}', "line 2, column 2: a comma or } is missing"),
        ('{"a": 01}', "is no value"),
        ('{"a": 1} x', "something follows the end"),
        ('{"a": 1, "a": 2}', "'a' is there twice"),
        ("{} /* for ever", "a comment has no end"),
        ("[" * 1000, "nested too deeply"),
        ("[]", "the whole is no object"),
        ('{"mcpServers": []}', "mcpServers is no object"),
        ('{"mcpServers": {"ratelord": 3}}', "mcpServers.ratelord is no object"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place_and_left_alone(text, place, tmp_path):
    file = tmp_path / "config.json"
    file.write_text(text)

    with pytest.raises(ValueError, match="is left as it is") as refused:
        change(file, lambda before: merged(before, HOSTS["cursor"], ENTRY))

    assert place in str(refused.value)
    assert file.read_text() == text
    assert list(tmp_path.iterdir()) == [file]


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=6), _json, max_size=4), st.sampled_from([None, 1, 4, "\t"]))
def test_whatever_was_there_is_there_afterwards(before, indent):
    before.pop("mcpServers", None)
    text = json.dumps(before, indent=indent)

    after = merged(text, HOSTS["cursor"], ENTRY)

    assert json.loads(after) == before | {"mcpServers": {"ratelord": ENTRY.fields(HOSTS["cursor"])}}
    assert merged(after, HOSTS["cursor"], ENTRY) == after


def test_the_toml_of_codex_keeps_its_comments_too():
    text = 'model = "m" # mine\n\n[mcp_servers.git]\ncommand = "g"\n\n[mcp_servers.ratelord]\ncommand = "old"\nstartup_timeout_sec = 9 # long\n'

    after = merged(text, HOSTS["codex"], ENTRY)

    assert "# mine" in after
    assert "startup_timeout_sec = 9 # long" in after
    servers = tomllib.loads(after)["mcp_servers"]
    assert servers["git"] == {"command": "g"}
    assert servers["ratelord"] == {
        "command": "/opt/r/bin/ratelord",
        "args": ["mcp"],
        "startup_timeout_sec": 9,
    }


@pytest.mark.parametrize("text", ["a = ", "mcp_servers = 3", "[mcp_servers]\nratelord = 1"])
def test_toml_that_cannot_be_used_is_refused(text):
    with pytest.raises(ValueError, match=r"line|is no table"):
        merged(text, HOSTS["codex"], ENTRY)


@pytest.mark.parametrize(
    ("client", "system", "environment", "file"),
    [
        (
            "claude-desktop",
            "darwin",
            {},
            "Library/Application Support/Claude/claude_desktop_config.json",
        ),
        ("claude-desktop", "linux", {}, ".config/Claude/claude_desktop_config.json"),
        ("claude-desktop", "win32", {}, "AppData/Roaming/Claude/claude_desktop_config.json"),
        ("vscode", "linux", {"XDG_CONFIG_HOME": "/x"}, "/x/Code/User/mcp.json"),
        ("vscode", "win32", {"APPDATA": "/app"}, "/app/Code/User/mcp.json"),
        ("claude-code", "linux", {}, ".claude.json"),
        ("cursor", "darwin", {}, ".cursor/mcp.json"),
        ("codex", "linux", {}, ".codex/config.toml"),
        ("codex", "linux", {"CODEX_HOME": "/c"}, "/c/config.toml"),
    ],
)
def test_every_host_keeps_its_servers_where_it_looks_for_them(client, system, environment, file):
    home = {"HOME": "/home/me", "USERPROFILE": "/home/me"}

    assert (
        file_of(HOSTS[client], system=system, environment=home | environment)
        == Path("/home/me") / file
    )


@pytest.mark.parametrize("client", HOSTS)
def test_the_snippet_names_a_program_that_is_there(client, capsys):
    assert run(["mcp", "config", "--client", client, "--url", "http://127.0.0.1:9"]) == 0

    text = capsys.readouterr().out
    tree = tomllib.loads(text) if client == "codex" else json.loads(text)
    entry = tree[HOSTS[client].root]["ratelord"]
    assert Path(entry["command"]).is_absolute()
    assert os.access(entry["command"], os.X_OK)
    assert entry["args"][-3:] == ["mcp", "--url", "http://127.0.0.1:9"]


def test_an_address_that_is_none_is_not_written_down(capsys):
    assert run(["mcp", "config", "--client", "cursor", "--url", "ftp://x"]) == 2

    assert capsys.readouterr().err.startswith("ratelord: RATELORD_URL 'ftp://x' is not an address")


def test_writing_keeps_the_file_as_it_was_beside_it_and_a_link_a_link(tmp_path, capsys):
    real = tmp_path / "dotfiles" / "mcp.json"
    real.parent.mkdir()
    real.write_text("{}")
    real.chmod(0o600)
    link = tmp_path / ".cursor" / "mcp.json"
    link.parent.mkdir()
    link.symlink_to(real)

    codes = [run(["mcp", "config", "--client", "cursor", "--write"]) for _ in range(2)]

    assert codes == [0, 0]
    assert "is up to date" in capsys.readouterr().out
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    assert (real.parent / "mcp.json.backup").read_text() == "{}"
    assert {file.name for file in real.parent.iterdir()} == {"mcp.json", "mcp.json.backup"}
    assert "ratelord" in json.loads(real.read_text())["mcpServers"]


def test_a_file_that_is_not_there_is_made_with_its_folders(tmp_path):
    assert run(["mcp", "config", "--client", "vscode", "--project", "--write"]) == 0

    made = json.loads((tmp_path / ".vscode" / "mcp.json").read_text())
    assert made["servers"]["ratelord"]["type"] == "stdio"


def test_a_host_without_project_files_says_so(capsys):
    assert run(["mcp", "config", "--client", "claude-desktop", "--project"]) == 2
    assert "leave --project out" in capsys.readouterr().err


def test_a_file_that_is_not_utf8_is_left_alone(tmp_path, capsys):
    file = tmp_path / "config.json"
    file.write_bytes(b'{"a": "\xff"}')

    assert run(["mcp", "config", "--client", "cursor", "--write", "--file", str(file)]) == 2
    assert "not UTF-8" in capsys.readouterr().err
    assert file.read_bytes() == b'{"a": "\xff"}'


def test_instructions_are_put_into_a_file_once_and_renewed_in_their_place(tmp_path):
    file = tmp_path / "AGENTS.md"
    file.write_text("# House rules\n\nBe kind.\n")

    assert run(["mcp", "instructions", "--write", str(file)]) == 0
    first = file.read_text()
    file.write_text(first.replace("ask_intent", "old_name") + "\n## More\n")
    assert run(["mcp", "instructions", "--write", str(file)]) == 0

    assert first == "# House rules\n\nBe kind.\n\n" + instructions.BLOCK
    assert file.read_text() == first + "\n## More\n"


@pytest.mark.parametrize(
    "text",
    [
        instructions.BEGIN,
        instructions.END,
        instructions.BLOCK * 2,
        f"{instructions.END}{instructions.BEGIN}",
    ],
)
def test_marks_that_do_not_pair_up_are_refused(text):
    with pytest.raises(ValueError, match="repair them"):
        instructions.merged(text)


def test_the_instructions_speak_of_tools_that_there_are(capsys):
    from ratelord_mcp.tools.ask import NAME as ASK
    from ratelord_mcp.tools.ask import OFFERS
    from ratelord_mcp.tools.report import NAME as REPORT

    assert run(["mcp", "instructions"]) == 0

    shown = capsys.readouterr().out
    assert f"`{ASK}`" in shown
    assert f"`{REPORT}`" in shown
    assert all(f"`{name}`" in shown for name in OFFERS[:4])


def test_the_snippet_of_json_hosts_is_what_an_empty_file_becomes():
    assert all(merged("", host, ENTRY) == snippet(host, ENTRY) for host in HOSTS.values())
