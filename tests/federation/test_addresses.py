"""An address may hold a credential, and shows none."""

from __future__ import annotations

import pytest

from ratelord_core.transport import Address, Security


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://h.example:8092/x", "http://h.example:8092/x"),
        ("http://u:s3cret@h.example:1", "http://h.example:1"),
        ("redis://:s3/cr?et#@h.example:1/0", "redis://h.example:1/0"),
        (
            "nats://u:s3cret@a.example:1,nats://u:s3cret@b.example:2",
            "nats://b.example:2",
        ),
        ("http://h.example:1/x?token=s3cret#s3cret", "http://h.example:1/x"),
        ("s3cret", "an address without a scheme"),
        ("wire://u:s3cret@h@k.example:1", "wire://k.example:1"),
        ("http://u:s3\ncret@h.example:1", "http://h.example:1"),
    ],
)
def test_what_is_shown_holds_no_secret(text: str, shown: str) -> None:
    address = Address(text)

    assert address.shown == str(address) == shown
    assert repr(address) == f"Address({shown!r})"


def test_a_credential_is_not_shown() -> None:
    assert "s3cret" not in repr(Security("s3cret")) + str(Security("s3cret"))
    assert "None" in repr(Security())


def test_a_scheme_is_in_lower_case() -> None:
    assert (Address("HTTP://h.example").scheme, Address("h:1").scheme) == ("http", "")
