"""Where a GitHub account is, and what may not be written about it."""

from __future__ import annotations

from typing import Any

import pytest

from ratelord_core.clock import SteppedClock
from ratelord_core.errors import SettingsError
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.instant import MINUTE, SECOND
from ratelord_github.options import GithubOptions, read_options
from ratelord_github.plugin import GithubFactory


def read(poll_interval: int | None = None, **options: Any) -> GithubOptions:
    return read_options(
        ProviderConfig("github", "gh", poll_interval=poll_interval, options=options)
    )


def test_by_default_it_is_the_public_github_every_half_minute() -> None:
    options = read(enterprise_url=None)
    assert options.url == "https://api.github.com"
    assert (options.poll_interval, options.timeout) == (30 * SECOND, 10 * SECOND)


def test_a_configured_rhythm_rules() -> None:
    assert read(poll_interval=MINUTE).poll_interval == MINUTE


@pytest.mark.parametrize(
    ("written", "root"),
    [
        ("git.example.com", "git.example.com/api/v3"),
        ("git.example.com/", "git.example.com/api/v3"),
        ("git.example.com/api/v3/", "git.example.com/api/v3"),
        ("git.example.com:8443/base", "git.example.com:8443/base/api/v3"),
        ("github.com", "api.github.com"),
        ("api.github.com", "api.github.com"),
        ("octo.ghe.com", "api.octo.ghe.com"),
        ("api.octo.ghe.com/", "api.octo.ghe.com"),
    ],
)
def test_the_api_is_found_from_the_servers_address(written: str, root: str) -> None:
    scheme = "https://"
    assert read(enterprise_url=scheme + written).url == scheme + root


def test_plain_http_is_for_this_machine_only() -> None:
    assert read(enterprise_url="http://127.0.0.1:80").url == "http://127.0.0.1:80/api/v3"
    assert read(enterprise_url="http://[::1]:8000").url == "http://[::1]:8000/api/v3"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"enterprise_ur": "x"}, "no option 'enterprise_ur'; did you mean 'enterprise_url'"),
        ({"enterprise_url": "git.example.com"}, "give the server's address"),
        ({"enterprise_url": "ftp://git.example.com"}, "give the server's address"),
        ({"enterprise_url": "https://"}, "give the server's address"),
        ({"enterprise_url": "https://git.example.com:99999"}, "give the server's address"),
        ({"enterprise_url": "https://git.example.com/?a=b"}, "give the server's address"),
        ({"enterprise_url": 5}, "enterprise_url is 5"),
        ({"enterprise_url": "http://git.example.com"}, "use https"),
        ({"timeout": "1h"}, "timeout is '1h'; give a duration from 100ms to 60s"),
        ({"timeout": "0s"}, "timeout is '0s'"),
        ({"timeout": "quick"}, "timeout is 'quick'"),
        ({"api_version": "latest"}, "api_version is 'latest'"),
    ],
)
def test_a_wrong_option_is_named_with_its_value_and_what_is_right(
    options: dict[str, Any], message: str
) -> None:
    config = ProviderConfig("github", "gh", options=options)
    with pytest.raises(SettingsError, match=message):
        GithubFactory().build(config, lambda: None, SteppedClock())


def test_credentials_in_an_address_are_refused_unseen() -> None:
    with pytest.raises(SettingsError, match="credentials") as caught:
        read(enterprise_url="https://" + "me:hush@git.example.com")
    assert "hush" not in str(caught.value)
