"""Replies fitted to who asks: compressed, or left out because they are known."""

from __future__ import annotations

import gzip

import httpx2
import pytest

from ratelord_core.http.fitting import takes_gzip

# The newest change between two looks whenever the daemon writes something of its own accord.
OLDEST = "/v1/events?order=asc&limit=10"
TAGGED = ["/v1/graph", "/v1/graph?format=dot", "/v1/policy", "/openapi.json", "/docs"]


def raw(client: httpx2.Client, path: str, **headers: str) -> tuple[httpx2.Response, bytes]:
    with client.stream("GET", path, headers=headers) as answer:
        return answer, b"".join(answer.iter_raw())


@pytest.mark.parametrize("path", ["/openapi.json", OLDEST, "/docs"])
def test_a_long_reply_is_compressed_for_who_takes_that_and_is_the_same(client, ask, path):
    for _ in range(5):
        ask()
    squeezed, body = raw(client, path, **{"accept-encoding": "gzip"})
    plain, whole = raw(client, path, **{"accept-encoding": "identity"})
    assert squeezed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert squeezed.headers["vary"] == plain.headers["vary"] == "accept-encoding"
    assert len(body) < len(whole) / 2
    assert gzip.decompress(body) == whole


def test_a_short_reply_and_a_decision_are_never_compressed(client, ask):
    for path in ("/v1/health/live", "/v1/plugins?limit=1"):
        assert "content-encoding" not in raw(client, path, **{"accept-encoding": "gzip"})[0].headers


def test_a_stream_is_never_compressed(client):
    path = "/v1/events?stream=true"
    with client.stream("GET", path, headers={"accept-encoding": "gzip"}) as answer:
        assert "content-encoding" not in answer.headers
        assert next(answer.iter_raw()).startswith(b":")


@pytest.mark.parametrize("path", TAGGED)
def test_what_the_asker_has_is_not_sent_again(client, path):
    first = client.get(path)
    tag = first.headers["etag"]
    assert tag.startswith('W/"')
    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again, body = raw(client, path, **{"if-none-match": known})
        assert (again.status_code, body) == (304, b"")
        assert again.headers["etag"] == tag
        assert again.headers["cache-control"] == "no-cache"
        assert "content-length" not in again.headers
    assert client.get(path, headers={"if-none-match": '"other"'}).status_code == 200


def test_a_graph_that_grew_has_another_tag(client, ask):
    tag = client.get("/v1/graph").headers["etag"]
    ask(agent_id="a:unheard-of")
    grown = client.get("/v1/graph", headers={"if-none-match": tag})
    assert grown.status_code == 200
    assert grown.headers["etag"] != tag


@pytest.mark.parametrize(
    ("accepted", "taken"),
    [
        (b"gzip", True),
        (b"br, GZIP;q=0.5", True),
        (b"*", True),
        (b"", False),
        (b"br", False),
        (b"gzip;q=0", False),
        (b"gzip; q=0.0, *", False),
        (b"x-gzip", False),
    ],
)
def test_gzip_is_taken_where_it_is_named_and_not_refused(accepted, taken):
    assert takes_gzip(accepted) is taken
