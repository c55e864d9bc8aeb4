"""The tools that look, in the order in which they are listed."""

from __future__ import annotations

from typing import Final

from ratelord_mcp.tools.constraints import LIST_CONSTRAINTS
from ratelord_mcp.tools.explain import EXPLAIN_DECISION
from ratelord_mcp.tools.forecast import FORECAST
from ratelord_mcp.tools.plan import PLAN_INTENTS
from ratelord_mcp.tools.usage import CHECK_USAGE

LOOKING: Final = (CHECK_USAGE, LIST_CONSTRAINTS, FORECAST, EXPLAIN_DECISION, PLAN_INTENTS)
