"""The rate-limit header grammar that providers share: values, dialects as data, the standard."""

from ratelord_core.headers.dialect import (
    Dialect,
    Meter,
    ResetForm,
    read_dialect,
    read_x_ratelimit,
    x_ratelimit,
)
from ratelord_core.headers.dialects import (
    ANTHROPIC,
    GITHUB,
    MODEL,
    NAMED,
    OPENAI,
    STANDARD,
    TABLE,
    read_any,
    reader,
    speaks_of_limits,
)
from ratelord_core.headers.limit import RateLimit, Reading
from ratelord_core.headers.rate_fields import read_rate_fields
from ratelord_core.headers.values import (
    LATEST,
    parse_count,
    parse_duration,
    parse_http_date,
    parse_moment,
    parse_reset,
    parse_retry_after,
    parse_rfc3339,
)

__all__ = [
    "ANTHROPIC",
    "GITHUB",
    "LATEST",
    "MODEL",
    "NAMED",
    "OPENAI",
    "STANDARD",
    "TABLE",
    "Dialect",
    "Meter",
    "RateLimit",
    "Reading",
    "ResetForm",
    "parse_count",
    "parse_duration",
    "parse_http_date",
    "parse_moment",
    "parse_reset",
    "parse_retry_after",
    "parse_rfc3339",
    "read_any",
    "read_dialect",
    "read_rate_fields",
    "read_x_ratelimit",
    "reader",
    "speaks_of_limits",
    "x_ratelimit",
]
