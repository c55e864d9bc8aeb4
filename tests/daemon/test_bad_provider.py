"""A provider goes bad under a running daemon: it is named, its pool is stale, and nothing leaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ratelord_core.testing.desk import patiently
from ratelord_core.testing.raw_server import RawServer, bomb, saying

SECRET = "canary-5f0e9c27ab-0123456789abcdef"
GOOD = saying(200, x_ratelimit_limit="1000", x_ratelimit_remaining="900", x_ratelimit_reset="3000")
PAGE = saying(200, f"<html>{SECRET}</html>".encode(), content_type="text/html")
NEGATIVE = saying(200, x_ratelimit_limit="1000", x_ratelimit_remaining="-1")
IN_A_YEAR = saying(
    200, x_ratelimit_limit="1000", x_ratelimit_remaining="999", x_ratelimit_reset="31536000"
)
POLICY = """
providers:
  headers: [{{id: acme, token_env_var: ACME_KEY, probe_url: "{url}/me", poll_interval: 200ms, timeout: 5s}}]
workloads: {{scan: {{consumes: {{acme/default: 1}}}}}}
"""


@pytest.fixture
def listen() -> Iterator[Callable[..., RawServer]]:
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(RawServer(answer))


def test_a_provider_that_goes_bad_is_named_distrusted_and_told_nothing(
    start: Callable[..., Any], listen: Callable[..., RawServer], tmp_path: Path
) -> None:
    acme, elsewhere = listen(GOOD), listen(GOOD)
    desk = start(POLICY.format(url=acme.url), environment={"ACME_KEY": SECRET})
    patiently(lambda: [one for one in desk.pools() if one["limit"] == 1000])
    patiently(lambda: desk.ask(max_wait_seconds=0)["allowed"])
    before = patiently(lambda: not (pool := desk.pool("acme/default"))["stale"] and pool)

    away = saying(302, location=f"http://localhost:{elsewhere.port}/")
    for bad, said in (
        (PAGE, "tells no limit"),
        (NEGATIVE, "tells no limit"),
        (IN_A_YEAR, "tells no limit"),
        (away, "redirects elsewhere"),
        (bomb(), "over 1048576 bytes"),
    ):
        acme.answer = bad
        patiently(lambda said=said: _failures(desk, "malformed", said))

    stale = patiently(lambda: (pool := desk.pool("acme/default"))["stale"] and pool)
    assert stale["limit"] == 1000, "what is known stays"
    assert stale["reset_at"] is not None
    assert stale["forecast"]["freshness_seconds"] > before["forecast"]["freshness_seconds"]
    refused = desk.ask(urgency="background", max_wait_seconds=0)
    assert refused["reason_code"] in {"forecast_stale", "provider_degraded"}
    health = desk.get("/v1/health")
    assert health["degraded"]
    assert health["providers"]["acme"]["state"] in {"degraded", "open"}
    changed = [one["payload"]["after"] for one in desk.events("provider_state_changed")]
    assert "degraded" in changed

    acme.answer = GOOD
    patiently(lambda: desk.get("/v1/health")["providers"]["acme"]["state"] == "healthy")
    patiently(lambda: desk.ask(max_wait_seconds=0)["allowed"])

    assert elsewhere.asked == []
    shown = [desk.get("/v1/health"), desk.events(), desk.pools()]
    files = [path.read_bytes() for path in tmp_path.glob("ratelord.db*")]
    files += [repr(shown).encode(), desk.daemon.log.encode()]
    assert not any(SECRET.encode() in content for content in files)


def test_an_answered_call_ends_an_outage_before_the_next_poll_would(
    start: Callable[..., Any], listen: Callable[..., RawServer]
) -> None:
    acme = listen(saying(503))
    desk = start(POLICY.format(url=acme.url), environment={"ACME_KEY": SECRET})

    def opened() -> Any:
        told = desk.get("/v1/health")["providers"]["acme"]
        return told["failures"] >= 6 and told  # the next poll is over three seconds away

    resting = patiently(opened)
    assert resting["state"] == "open"

    acme.answer = GOOD
    seen = {"x-ratelimit-limit": "1000", "x-ratelimit-remaining": "899", "x-ratelimit-reset": "99"}
    desk.post("/v1/observations", {"provider_id": "acme", "headers": seen}).raise_for_status()

    patiently(lambda: desk.get("/v1/health")["providers"]["acme"]["state"] == "healthy")
    assert desk.events("provider_poll_observed")[0]["ts_ingest"] < resting["next_poll"]
    assert not desk.pool("acme/default")["stale"]


def _failures(desk: Any, kind: str, said: str) -> bool:
    told = [one["payload"] for one in desk.events("provider_error")]
    return any(one["kind"] == kind and said in one["detail"] for one in told)
