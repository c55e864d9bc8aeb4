"""The project's files name neither where they were written nor where packages come from."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

HOSTS = {
    "127.0.0.1": "loopback",
    "[::1]": "loopback",
    "localhost": "loopback",
    "0.0.0.0": "every interface, as an example of what is refused",
    "api.github.com": "the GitHub provider polls it",
    "api.openai.com": "the OpenAI provider polls it",
    "api.anthropic.com": "the Anthropic provider polls it",
    "generativelanguage.googleapis.com": "the Gemini provider polls it",
    "openrouter.ai": "the provider of docs/plugins/example polls it",
    "www.apache.org": "the text of the licence names it",
    "static.modelcontextprotocol.io": "the schema that server.json follows",
    "json-schema.org": "a schema says of which dialect it is",
}
"""The only hosts that an address in our files may name, beside those reserved for examples."""

EXAMPLES = re.compile(r"(^|\.)(example(\.(com|org|net))?|test|invalid)$")
ADDRESS = re.compile(
    r"(?:https?|wss?|redis|nats)://(?:[^\s/@'\"]*(?:\{[^}]*\})?[^\s/@]*@)?([A-Za-z0-9.\-]+|\[[0-9a-f:]+\])"
)

STANDARD = {
    Path(p) for p in ("/", "/home", "/root", "/tmp", "/usr", "/usr/src", "/opt", "/srv", "/var")
}


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone: an unpacked archive has no list of its files")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    found = {}
    for name in listed.decode().split("\0"):
        file = ROOT / name
        if name and file.is_file():
            data = file.read_bytes()
            if b"\0" not in data:
                found[name] = data.decode("utf-8", errors="replace")
    return found


def test_addresses_name_only_known_hosts(texts: dict[str, str]) -> None:
    unknown = [
        f"{name}: {host}"
        for name, text in texts.items()
        for host in ADDRESS.findall(text)
        if host not in HOSTS and not EXAMPLES.search(host)
    ]

    assert not unknown


def test_no_file_names_the_place_it_was_written_in(texts: dict[str, str]) -> None:
    places = {ROOT, ROOT.parent, Path.home(), Path(os.path.realpath(ROOT))} - STANDARD
    pattern = re.compile(
        "|".join(rf"(?<![\w.]){re.escape(str(p))}(?![\w-])" for p in places) or "$^"
    )

    assert not [name for name, text in texts.items() if pattern.search(text)]
