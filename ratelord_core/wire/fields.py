"""The kinds of fields on the wire, as a published schema describes them.

Only descriptions: nothing here makes decoding slower or stricter. What is checked, and what is said
when it is wrong, stands in ``faults``.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from msgspec import Meta

from ratelord_core.model.ids import ID_PATTERN
from ratelord_core.model.pool import MAX_UNITS
from ratelord_core.wire.faults import LONGEST_SPAN, LONGEST_TEXT, TEXT_PATTERN

PROVIDER_PATTERN: Final = r"^[A-Za-z0-9._:@+\-]{1,256}$"
UUID_PATTERN: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_TEXT: Final = {"pattern": TEXT_PATTERN, "minLength": 1, "maxLength": LONGEST_TEXT}
_PAIRS: Final = {"maxProperties": 64, "propertyNames": _TEXT}
_UNIT_BOUNDS: Final = {"minimum": 0, "maximum": MAX_UNITS}

Id = Annotated[str, Meta(extra_json_schema={"pattern": ID_PATTERN})]
ProviderId = Annotated[str, Meta(extra_json_schema={"pattern": PROVIDER_PATTERN})]
IntentId = Annotated[str, Meta(extra_json_schema={"pattern": UUID_PATTERN})]
Text = Annotated[str, Meta(extra_json_schema=_TEXT)]
LongText = Annotated[str, Meta(extra_json_schema={**_TEXT, "maxLength": 1024})]
Timestamp = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Amount = Annotated[float, Meta(extra_json_schema=_UNIT_BOUNDS)]
Whole = Annotated[float, Meta(extra_json_schema={**_UNIT_BOUNDS, "multipleOf": 1})]
Seconds = Annotated[float, Meta(extra_json_schema={"minimum": 0, "maximum": LONGEST_SPAN})]
Costs = Annotated[
    dict[str, Amount],
    Meta(
        description="units by pool, `provider/pool`",
        extra_json_schema={
            "propertyNames": {"pattern": r"^[A-Za-z0-9._:@+\-]+/[A-Za-z0-9._:/@+\-]+$"}
        },
    ),
]
_Value = Annotated[
    str, Meta(extra_json_schema={"pattern": f"^$|{TEXT_PATTERN}", "maxLength": 1024})
]
Pairs = Annotated[dict[str, _Value], Meta(extra_json_schema=_PAIRS)]
Headers = Annotated[
    dict[str, str | float | None],
    Meta(
        description="a provider's response headers, as they came; secrets among them are dropped",
        extra_json_schema={"maxProperties": 200},
    ),
]
Anything = dict[str, Any]
