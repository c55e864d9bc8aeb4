"""What holds for every command: speed, exit codes, one-line errors, help."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys

import pytest

from ratelord_core.cli.app import build

HEAVY = {
    "alembic", "anyio", "cel_expr_python", "httpx2", "networkx", "numpy", "prometheus_client",
    "pydantic", "ratelord", "scipy", "sqlalchemy", "sqlmodel", "starlette", "structlog", "tenacity",
    "uvicorn", "yaml",
}  # fmt: skip
"""What only a command that needs it may load."""

MOST_SECONDS = 0.4
KNOWN = (
    "import argparse, asyncio, concurrent.futures, decimal, email.message, http.client, http.server, "
    "logging.config, multiprocessing, sqlite3, tomllib, unittest.mock, xml.dom.minidom, zipfile"
)
KNOWN_SECONDS = 0.1
"""What it takes to load these where help may take as long as that."""


def names(app, before=""):
    """Every verb of the command line, with the verbs below it."""
    for name in app:
        if name.startswith("-"):
            continue
        full = f"{before} {name}".strip()
        yield full
        yield from names(app[name], full)


VERBS = sorted(set(names(build())))


def test_help_loads_nothing_that_is_heavy():
    code = (
        "import sys, json\n"
        "from ratelord_core.cli.app import run\n"
        "run(['--help'])\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert not loaded & HEAVY


def processor_seconds(environment, *words):
    """What a process of Python takes: waiting for others that are busy is not counted."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], env=environment, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_help_is_there_before_one_loses_patience(tmp_path):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    environment |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}
    asked, known = ("-m", "ratelord_core.cli", "--help"), ("-c", KNOWN)
    spent = [
        (processor_seconds(environment, *asked), processor_seconds(environment, *known))
        for _ in range(4)
    ]
    best, pace = (min(each) for each in zip(*spent[1:], strict=True))  # the first compiles
    # A processor that others keep busy is slower: at whatever is known as it is at help.
    assert best < MOST_SECONDS * max(1.0, pace / KNOWN_SECONDS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_and_all_its_options(ratelord, verb):
    ran = ratelord(*verb.split(), "--help")
    assert ran.code == 0
    assert ran.out.startswith("Usage: ratelord")
    app = build()
    for word in verb.split():
        app = app[word]
    assert app.help
    for argument in (
        app.assemble_argument_collection(parse_docstring=True) if app.default_command else ()
    ):
        if argument.parameter.parse is not False and not argument.children:
            assert argument.parameter.help, f"{verb} {argument.name}"


@pytest.mark.parametrize(
    "words",
    [
        ("frobnicate",),
        ("ask",),
        ("ask", "x", "--nonsense"),
        ("ask", "x", "--cost", "much"),
        ("report",),
        ("demo", "--seconds", "0"),
        ("demo", "--seconds", "-1"),
    ],
)
def test_a_mistake_is_exit_code_two_and_one_line_that_points_to_help(ratelord, words):
    ran = ratelord(*words)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert "--help" in ran.err


def test_nothing_said_shows_the_help(ratelord):
    assert "ratelord demo" in ratelord().out


def test_an_address_that_is_none_is_one_line(ratelord, monkeypatch):
    monkeypatch.setenv("RATELORD_URL", "nonsense")
    ran = ratelord("status")
    assert ran.code == 2
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("mcp", "wrap", "--url", "foo"), "--url 'foo' is not an address"),
        (("mcp", "wrap", "--url", "http://[::1"), "--url 'http://[::1' is not an address"),
        (("proxy", "--provider", "headers"), "nobody knows where 'headers' is"),
        (
            ("proxy", "--provider", "openai", "--upstream", "ftp://x"),
            "'ftp://x'; write it like https://",
        ),
    ],
)
def test_an_address_of_somebody_else_that_is_none_is_one_line_too(ratelord, words, said):
    ran = ratelord(*words)
    assert ran.code in (1, 2)
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert said in ran.err


def test_a_wrong_token_says_which_variable(ratelord, here, answer):
    here.answers(answer(status=401, body={"code": "unauthorized", "detail": "no such token"}))
    ran = ratelord("pools")
    assert ran.code == 1
    assert "RATELORD_TOKEN" in ran.err


def test_a_broken_daemon_is_one_line(ratelord, here, answer):
    here.answers(answer(status=500, body={"detail": "boom"}))
    ran = ratelord("pools")
    assert ran.code == 1
    assert ran.err == "ratelord: the daemon answered 500: boom\n"


@pytest.mark.parametrize("script", ["bash", "zsh", "fish"])
def test_shells_get_a_script_that_completes(ratelord, script):
    ran = ratelord("completion", script)
    assert ran.code == 0
    assert "ratelord" in ran.out
    assert "__complete" in ran.out


@pytest.mark.parametrize(
    ("words", "body", "wanted"),
    [
        (("pools", "mo"), [{"provider_id": "mock", "pool_id": "default"}], "mock/default"),
        (("ask", "re"), {"nodes": [{"id": "workload:repo_scan", "type": "workload", "label": "repo_scan"}]}, "repo_scan"),
        (("ask", "x", "--agent", ""), {"nodes": [{"id": "crawler", "type": "agent", "label": "crawler"}]}, "crawler"),
        (("identity", "revoke", "pat"), [{"identity_id": "pat:me"}], "pat:me"),
        (("explain", ""), [{"event_id": "0193", "seq": 1}], "0193"),
    ],
)  # fmt: skip
def test_the_shell_completes_ids_that_the_daemon_knows(ratelord, here, answer, words, body, wanted):
    here.answers(answer(body=body))
    ran = ratelord("__complete", *words)
    assert wanted in ran.out.splitlines()


def test_completing_without_a_daemon_is_silent(ratelord, monkeypatch):
    monkeypatch.setenv("RATELORD_URL", "http://127.0.0.1:1")
    ran = ratelord("__complete", "pools", "")
    assert ran.code == 0
    assert ran.err == ""
