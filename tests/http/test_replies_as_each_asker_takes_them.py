"""A reply as each asker best takes it."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from ratelord_core.http.exchange import Reply
from ratelord_core.http.fitting import fitted, takes_gzip

BODY = b'{"pools": []}' * 20_000


def fit(headers: dict[bytes, bytes], *, status: int = 200, body: bytes = BODY) -> Reply:
    return asyncio.run(fitted(Reply(body, status=status), headers, tagged=True))


@pytest.mark.parametrize("body", [BODY, BODY[:6500]])
def test_who_takes_gzip_has_it_and_finds_the_same_inside(body: bytes) -> None:
    reply = fit({b"accept-encoding": b"br, gzip"}, body=body)
    assert (b"content-encoding", b"gzip") in reply.headers
    assert gzip.decompress(reply.body) == body


def test_who_has_it_already_is_told_so() -> None:
    tag = dict(fit({}).headers)[b"etag"]
    for known in (tag, b'"other", ' + tag.removeprefix(b"W/"), b"*"):
        reply = fit({b"if-none-match": known})
        assert (reply.status, reply.body) == (304, b"")
    assert fit({b"if-none-match": b'"other"'}).status == 200


def test_what_is_no_success_stays_as_it_is() -> None:
    assert fit({b"accept-encoding": b"gzip"}, status=404).body == BODY


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [(b"", False), (b"gzip", True), (b"*", True), (b"gzip;q=0, *", False), (b"br", False)],
)
def test_gzip_is_for_those_who_name_it(accepted: bytes, takes: bool) -> None:
    assert takes_gzip(accepted) == takes
