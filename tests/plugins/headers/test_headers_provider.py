"""A provider by configuration alone."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from ratelord_core.clock import SystemClock
from ratelord_core.errors import ProviderFailed, SettingsError
from ratelord_core.headers import MODEL
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.instant import MINUTE, SECOND
from ratelord_core.testing.provider_contract import ProviderContract
from ratelord_headers.plugin import HEADERS

NOW = 1_767_225_600 * SECOND
TOLD = {"x-ratelimit-limit": "100", "x-ratelimit-remaining": "60", "x-ratelimit-reset": "30"}


class TestHeaders(ProviderContract):
    factory = HEADERS

    @pytest.fixture
    def config(self, serve: Any) -> ProviderConfig:
        url = serve(PlainTextResponse("fine", headers=TOLD))
        return ProviderConfig(plugin="headers", id="any", options={"probe_url": url})


def test_a_limit_without_a_name_is_the_default_pool(account) -> None:
    made = account(HEADERS)
    (seen,) = made.provider.read_headers(TOLD, NOW)
    assert (seen.pool_id, seen.limit, seen.remaining) == ("default", 100, 60)
    assert seen.reset_at == NOW + 30 * SECOND
    assert made.provider.describe("default").default


def test_every_named_limit_is_a_pool(account) -> None:
    made = account(HEADERS, dialect="ratelimit")
    headers = {
        "ratelimit-policy": '"burst";q=100;w=60, "daily";q=1000;w=86400',
        "ratelimit": '"burst";r=50;t=30, "daily";r=999;t=5000',
    }
    burst, daily = made.provider.read_headers(headers, NOW)
    assert (burst.pool_id, burst.window_every, burst.remaining) == ("burst", MINUTE, 50)
    assert (daily.pool_id, daily.limit) == ("daily", 1000)
    assert made.provider.read_headers(TOLD, NOW) == (), "another dialect was asked for"


def test_headers_may_be_named_in_the_configuration(account) -> None:
    made = account(
        HEADERS,
        dialect={
            "calls": {
                "limit": "X-Acme-Calls",
                "remaining": "X-Acme-Left",
                "reset": "X-Acme-Again",
                "form": "duration",
                "every": "1m",
            },
            "credits": {"ratio": "X-Acme-Credits", "unit": "credits"},
        },
    )
    calls, credit = made.provider.read_headers(
        {
            "x-acme-calls": "10",
            "x-acme-left": "4",
            "x-acme-again": "1m30s",
            "x-acme-credits": "7/20",
        },
        NOW,
    )
    assert (calls.pool_id, calls.remaining, calls.reset_at) == ("calls", 4, NOW + 90 * SECOND)
    assert (credit.used, credit.limit, credit.unit) == (7, 20, "credits")


def test_limits_of_each_model_apart(account) -> None:
    made = account(HEADERS, per_model=True)
    headers = {"x-ratelimit-limit-tokens": "6000", "x-ratelimit-remaining-tokens": "5000"}
    assert made.provider.read_headers(headers, NOW) == (), "nobody says of which model"
    (seen,) = made.provider.read_headers({**headers, MODEL: "llama-9-20260101"}, NOW)
    assert seen.pool_id == "llama-9/tokens"
    pool = made.provider.describe(seen.pool_id)
    assert (pool.models, pool.window.kind, pool.unit) == (("llama-9",), "bucket", "tokens")


def test_without_a_probe_nobody_is_asked_and_nothing_gets_stale(account, serve) -> None:
    made = account(HEADERS)
    assert made.provider.passive
    assert made.poll().observations == ()
    probing = account(HEADERS, probe_url=serve(PlainTextResponse("x", headers=TOLD)))
    assert not probing.provider.passive
    assert probing.poll().pools[0].pool_id == "default"


def answers(*scripted: Response) -> Any:
    """An application that gives these answers in turn, the last for ever; ``seen`` are the
    credentials it got."""
    left = list(scripted)
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope["headers"]).get(b"x-key", b"").decode())
        await (left.pop(0) if len(left) > 1 else left[0])(scope, receive, send)

    app.seen = seen  # type: ignore[attr-defined] - a note on what it did
    return app


def bomb() -> Response:
    body = gzip.compress(b"0" * 50_000_000)
    return Response(body, headers={"content-encoding": "gzip", **TOLD})


BAD = {
    "an HTML page": (Response("<html>", media_type="text/html"), "malformed", "tells no limit"),
    "a negative rest": (
        Response("", headers={**TOLD, "x-ratelimit-remaining": "-5"}),
        "malformed",
        "dialect",
    ),
    "a reset in a year": (
        Response("", headers={**TOLD, "x-ratelimit-reset": "31536000"}),
        "malformed",
        "dialect",
    ),
    "a bomb": (bomb(), "malformed", "over 1048576 bytes"),
    "half a gzip": (
        Response(gzip.compress(b"x" * 99)[:-9], headers={"content-encoding": "gzip"}),
        "malformed",
        "broken",
    ),
    "brotli, unasked": (
        Response(b"\x0b", headers={"content-encoding": "br"}),
        "malformed",
        "unasked",
    ),
    "elsewhere": (
        RedirectResponse("https://elsewhere.example/"),
        "malformed",
        "redirects elsewhere",
    ),
    "no key": (Response("", 401), "unauthorized", "check the credential"),
    "forbidden": (Response("", 403), "forbidden", "403"),
    "limited": (Response("", 429, headers={"retry-after": "7"}), "rate_limited", "429"),
    "down": (Response("", 502), "server_error", "502"),
    "gone": (Response("", 404), "malformed", "404"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_answer_is_a_failure_with_a_name_and_without_the_key(account, serve, what) -> None:
    response, kind, said = BAD[what]
    app = answers(response)
    made = account(HEADERS, probe_url=serve(app), credential={"header": "X-Key"})
    with pytest.raises(ProviderFailed, match=said) as caught:
        made.poll()
    assert caught.value.kind == kind
    assert app.seen == ["s3cret"]
    assert "s3cret" not in str(caught.value)


def test_a_certificate_that_nobody_signed_is_unreachable(account, serve) -> None:
    plain = serve(PlainTextResponse("fine", headers=TOLD))
    made = account(HEADERS, probe_url=plain.replace("http:", "https:"))
    with pytest.raises(ProviderFailed) as caught:
        made.poll()
    assert caught.value.kind == "unreachable"


def test_a_reset_in_the_past_ends_the_window_that_it_is_of(account) -> None:
    made = account(HEADERS)
    (seen,) = made.provider.read_headers({**TOLD, "x-ratelimit-reset": "1767225000"}, NOW)
    assert (seen.limit, seen.remaining, seen.reset_at) == (100, None, None)


def test_configured_pools_have_their_shape_from_the_start(account) -> None:
    made = account(
        HEADERS,
        pools={"burst": {"limit": 9, "every": "10s", "window": "sliding", "unit": "points"}},
    )
    (pool,) = made.provider.pools()
    assert (pool.limit, pool.window.kind, pool.window.every, pool.unit) == (
        9,
        "sliding",
        10 * SECOND,
        "points",
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dialect": "klingon"}, "it is one of auto"),
        ({"dialect": {"calls": {"remaning": "x"}}}, "header names by part"),
        ({"dialect": {"calls": {"every": "soon", "limit": "x"}}}, "duration"),
        ({"dialect": 5}, "mapping"),
        ({"per_model": 1}, "true or false"),
        ({"probe_url": "ftp://x"}, "API's address"),
        ({"credential": {"header": "a b"}}, "name of a header"),
        ({"credential": {"scheme": 5}}, "Bearer"),
        ({"pools": {"a b": {}}}, "a pool's name"),
        ({"pools": {"a": {"limit": "many"}}}, "whole number"),
        ({"pools": {"a": {"window": "bucket"}}}, "give its length"),
        ({"pools": {"a": {"window": "round"}}}, "it is one of"),
        ({"pools": {"a": {"default": "yes"}}}, "true or false"),
        ({"pools": {"a": {"limits": 5}}}, "did you mean 'limit'"),
    ],
)
def test_a_wrong_option_is_named_with_what_is_right(options, said) -> None:
    config = ProviderConfig(plugin="headers", id="any", options=options)
    with pytest.raises(SettingsError, match=said):
        HEADERS.build(config, lambda: None, SystemClock())
