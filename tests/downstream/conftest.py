"""Distributions of others beside the wheel as it is built: ``tox -e downstream`` installs them.

Without ``RATELORD_TEST_DOWNSTREAM`` nothing here is collected.
"""

from __future__ import annotations

import os

if "RATELORD_TEST_DOWNSTREAM" not in os.environ:
    collect_ignore_glob = ["test_*.py"]
