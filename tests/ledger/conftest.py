"""Lets the ledger's tests share one naive model: its folder joins the import path."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
