"""The interface as an OpenAPI 3.1 document, made from the route table and the types."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from ratelord_core import __version__
from ratelord_core.http.operation import Operation
from ratelord_core.http.parameters import Parameter
from ratelord_core.http.problems import TITLES, Problem
from ratelord_core.http.security import roles_for
from ratelord_core.model.ids import ID_PATTERN
from ratelord_core.wire.fields import PROVIDER_PATTERN, UUID_PATTERN

_REF: Final = "#/components/schemas/{name}"
_JOB_PATTERN: Final = "^[0-9a-f]{32}$"
_PATH_PATTERNS: Final = {
    "provider_id": PROVIDER_PATTERN,
    "intent_id": UUID_PATTERN,
    "backtest_id": _JOB_PATTERN,
    "simulation_id": _JOB_PATTERN,
}
_EVERYWHERE: Final = (400, 403)
"""Problems that every operation may give: a foreign Host, a malformed query."""
_ABOUT: Final = (
    "Ask before you act: one daemon knows every limit, and answers before it is exceeded. Times "
    "are RFC 3339 in UTC, spans are seconds, `null` in a request means absent, and fields that are "
    "not known are ignored with a warning in `X-Ratelord-Warning`. What is not a 2xx is a problem "
    "as RFC 9457 describes it."
)


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    """The whole document, as plain data."""
    listed = tuple(operations)
    kinds = [kind for one in listed for kind in (one.request, one.reply) if _is_typed(kind)]
    schemas, components = msgspec.json.schema_components([*kinds, Problem], ref_template=_REF)
    found = dict(zip(map(str, kinds), schemas, strict=False))
    paths: dict[str, dict[str, Any]] = {}
    for one in listed:
        methods = paths.setdefault(one.public_path, {})
        said = methods[one.method.lower()] = _operation(one, found)
        said["responses"][str(one.status)]["links"] = _links(one, listed)
    whole: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "ratelord", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": noun} for noun in dict.fromkeys(one.noun for one in listed)],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "headers": _HEADERS,
            "responses": {"problem": _problem("Whatever went wrong, as a problem")},
        },
    }
    return {name: _plain(part) for name, part in whole.items()}


def published(operations: Iterable[Operation]) -> bytes:
    """The document as it is served."""
    return msgspec.json.encode(document(operations))


_HEADERS: Final = {
    "X-Request-Id": {
        "description": "The name of this request, in the daemon's log too",
        "schema": {"type": "string"},
    },
    "X-Ratelord-Warning": {
        "description": "Fields or parameters that were ignored",
        "schema": {"type": "string"},
    },
}
_GOOD: Final = {200: "The answer", 202: "It has begun", 204: "It is done"}
_LOCATION: Final = {
    "Location": {"description": "Where it is followed", "schema": {"type": "string"}}
}


def _operation(one: Operation, found: dict[str, Any]) -> dict[str, Any]:
    roles = roles_for(one.access)
    said: dict[str, Any] = {
        "operationId": one.name,
        "tags": [one.noun],
        "summary": one.summary,
        "description": one.description,
        "parameters": [*_path_parameters(one), *_query(one), *_request_headers(one)],
        "responses": _responses(one, found),
        "security": [] if one.access == "open" else [{"token": []}, {}],
        "x-ratelord-roles": list(roles),
    }
    if one.request is not None:
        said["requestBody"] = _body(one, found)
    return {name: value for name, value in said.items() if value != "" or name == "security"}


def _path_parameters(one: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": _PATH_PATTERNS.get(name, ID_PATTERN)},
        }
        for name in one.path_names
    ]


def _query(one: Operation) -> list[dict[str, Any]]:
    return [
        {**_parameter(each, "query"), "style": "form", "explode": False} for each in one.parameters
    ]


def _request_headers(one: Operation) -> list[dict[str, Any]]:
    return [_parameter(each, "header") for each in one.headers]


def _parameter(each: Parameter, place: str) -> dict[str, Any]:
    return {
        "name": each.name,
        "in": place,
        "required": each.required,
        "description": each.says,
        "schema": each.schema(),
    }


def _body(one: Operation, found: dict[str, Any]) -> dict[str, Any]:
    schema = found.get(str(one.request), {"type": "object"})
    json: dict[str, Any] = {"schema": schema}
    if one.example is not None:
        json["example"] = one.example
    others: dict[str, Any] = {kind: {"schema": {}} for kind in one.request_media}
    return {"required": not one.optional_body, "content": {"application/json": json, **others}}


def _responses(one: Operation, found: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {kind: {"schema": {"type": "string"}} for kind in one.media}
    if one.reply is not None:
        schema = found.get(str(one.reply), {"type": "object"})
        content = {"application/json": {"schema": schema}, **content}
    good: dict[str, Any] = {"description": _GOOD[one.status], "headers": _header_refs()}
    if content:
        good["content"] = content
    if one.status == 202:
        good["headers"] |= _LOCATION
    replies: dict[str, Any] = {str(one.status): good}
    if one.tagged:
        replies["304"] = {"description": "What the asker has is still so"}
    if one.unready:
        replies["503"] = {**good, "description": "Not now"}
    for status in sorted(_problems_of(one) - {int(code) for code in replies}):
        replies[str(status)] = _problem(TITLES[status])
    return {**replies, "default": {"$ref": "#/components/responses/problem"}}


def _links(one: Operation, all_of_them: tuple[Operation, ...]) -> dict[str, Any]:
    """Where a fresh thing leads: to whatever takes its name as the only variable of its path."""
    if one.method != "POST" or one.path_names or not _is_typed(one.reply):
        return {}
    told = {field.name for field in msgspec.structs.fields(one.reply)}
    return {
        other.name: {
            "operationId": other.name,
            "parameters": {name: f"$response.body#/{name}" for name in other.path_names},
        }
        for other in all_of_them
        if len(other.path_names) == 1 and set(other.path_names) <= told
    }


def _problems_of(one: Operation) -> set[int]:
    own = {*_EVERYWHERE, *one.problems, 401}
    if one.path_names:
        own.add(404)
    if one.request is not None:
        own |= {413, 415}
    return own


def _problem(title: str) -> dict[str, Any]:
    schema = {"$ref": _REF.format(name=Problem.__name__)}
    return {
        "description": title,
        "headers": _header_refs(),
        "content": {"application/problem+json": {"schema": schema}},
    }


def _header_refs() -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS}


def _is_typed(kind: Any) -> bool:
    return kind is not None and kind is not dict


def _plain(value: Any) -> Any:
    """Texts as documents write them: docstrings unindented, one backtick for names; and names of
    generic types without the mark that msgspec leaves at their end."""
    if isinstance(value, dict):
        return {_name(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, str):
        return _name(
            inspect.cleandoc(value).replace("``", "`") if "\n" in value or "``" in value else value
        )
    return value


def _name(text: str) -> str:
    return text.removesuffix("_") if "Page_" in text else text
