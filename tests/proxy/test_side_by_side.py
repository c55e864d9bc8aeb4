"""Fifty agents at providers that enforce: nothing is refused under ratelord, and much without."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratelord_core.testing.enforcing.side_by_side import rows


@pytest.mark.slow
@pytest.mark.timeout(600)  # who may wait waits for its turn, in real seconds
def test_fifty_agents_at_three_providers_are_refused_nothing(tmp_path: Path) -> None:
    found = {(row.provider, row.way): row for row in rows(tmp_path)}

    assert len(found) == 9
    for (_, way), row in found.items():
        if way == "alone":
            assert row.refused > 0, "it enforces its limit"
            continue
        assert row.refused == 0, row
        assert row.done + row.held_back == row.calls
        assert row.done > 0
