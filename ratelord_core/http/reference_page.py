"""The reference page: the OpenAPI document as HTML, without scripts and without other files."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import escape
from importlib import resources
from typing import Any, Final

STYLE: Final = resources.files("ratelord_core.http").joinpath("reference.css")
_CODE: Final = re.compile(r"`([^`]+)`")


def content_policy(style: str) -> bytes:
    """What the page's reader may let it do: nothing but wear its own style."""
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ).encode()


def render(document: dict[str, Any], style: str) -> str:
    """The whole page."""
    info = document["info"]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(info['title'])} {escape(info['version'])}: reference</title>"
        f"<style>{style}</style></head><body>"
        f"<nav>{_contents(document)}</nav><main>"
        f"<h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>"
        f"<p>{_prose(info['description'])}</p>"
        f'<p class="note">The same for programs: <a href="/openapi.json">/openapi.json</a></p>'
        f"{''.join(_operations(document))}<h2>Types</h2>{''.join(_types(document))}</main></body></html>"
    )


def _each(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _contents(document: dict[str, Any]) -> str:
    lines = []
    for tag in document["tags"]:
        lines.append(f"<h2>{escape(tag['name'])}</h2>")
        lines += [
            f'<a href="#{operation["operationId"]}">{_verb(method)} {escape(path)}</a>'
            for path, method, operation in _each(document)
            if tag["name"] in operation["tags"]
        ]
    return "".join(lines)


def _operations(document: dict[str, Any]) -> Iterator[str]:
    for tag in document["tags"]:
        yield f"<h2>{escape(tag['name'])}</h2>"
        for path, method, operation in _each(document):
            if tag["name"] in operation["tags"]:
                yield _operation(path, method, operation)


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    roles = ", ".join(operation["x-ratelord-roles"]) if operation["security"] else "anybody"
    parts = [
        f'<section id="{operation["operationId"]}"><h3>{_verb(method)} {escape(path)}</h3>',
        f"<p>{_prose(operation['summary'])}.</p>",
        *(
            f"<p>{_prose(part)}</p>"
            for part in operation.get("description", "").split("\n\n")
            if part
        ),
        f'<p class="note">For: {escape(roles)}</p>',
    ]
    if operation["parameters"]:
        rows = [
            (
                one["name"],
                f"{one['in']}: {_kind(one['schema'])}",
                _prose(one.get("description", "")),
            )
            for one in operation["parameters"]
        ]
        parts.append(_table("Parameters", rows))
    if "requestBody" in operation:
        parts.append(_body(path, method, operation["requestBody"]))
    parts.append(_table("Replies", [_reply(*each) for each in operation["responses"].items()]))
    return "".join((*parts, "</section>"))


def _verb(method: str) -> str:
    return f'<b class="{method}">{method.upper()}</b>'


def _body(path: str, method: str, body: dict[str, Any]) -> str:
    content = body["content"]
    kinds = [f"{escape(kind)}: {_kind(each['schema'])}" for kind, each in content.items()]
    optional = "" if body["required"] else " (may be left out)"
    text = f"<h4>Body{optional}</h4><p>{'<br>'.join(kinds)}</p>"
    example = content["application/json"].get("example")
    if example is None:
        return text
    shown = json.dumps(example, indent=2)
    return (
        f"{text}<pre>curl -X {method.upper()} http://127.0.0.1:8090{escape(path)} \\\n"
        f"  -H 'Content-Type: application/json' -d '{escape(shown, quote=False)}'</pre>"
    )


def _reply(status: str, reply: dict[str, Any]) -> tuple[str, str, str]:
    if "$ref" in reply:
        return status, '<a href="#Problem">Problem</a>', "any other problem"
    kinds = [
        f"{_kind(each['schema'])} <span class=note>{escape(kind)}</span>"
        for kind, each in reply.get("content", {}).items()
    ]
    return status, "<br>".join(kinds), _prose(reply["description"])


def _types(document: dict[str, Any]) -> Iterator[str]:
    for name, schema in sorted(document["components"]["schemas"].items()):
        rows = [
            (
                field + ("" if field in schema.get("required", ()) else "?"),
                _kind(kind),
                _prose(kind.get("description", "")),
            )
            for field, kind in schema.get("properties", {}).items()
        ]
        said = _prose(schema.get("description", ""))
        heading = f'<section id="{escape(name)}"><h3>{escape(name)}</h3>'
        yield f"{heading}<p>{said}</p>{_table('', rows)}</section>"


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a few words, with links to the types that it names."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(word))}</code>" for word in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    inner = schema.get("additionalProperties")
    if isinstance(inner, dict) and inner:
        return f"map of {_kind(inner)}"
    return escape(str(schema.get("type", "anything")))


def _table(title: str, rows: list[tuple[str, str, str]]) -> str:
    if not rows:
        return ""
    lines = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{kind}</td><td>{said}</td></tr>"
        for name, kind, said in rows
    )
    heading = f"<h4>{title}</h4>" if title else ""
    return f"{heading}<table>{lines}</table>"


def _prose(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))
