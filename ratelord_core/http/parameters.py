"""Parameters of queries: one record says what may be given, documents it, and reads it."""

from __future__ import annotations

from typing import Any

import msgspec

from ratelord_core.http.query import Query
from ratelord_core.model.ids import ID_PATTERN, is_id
from ratelord_core.model.instant import Micros


class Parameter(msgspec.Struct, frozen=True):
    """A parameter by its name; also a request header that an operation reads."""

    name: str
    says: str
    required: bool = False

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema."""
        return {"type": "string"}


class Text(Parameter, frozen=True, kw_only=True):
    """A text; ``pattern`` only describes it."""

    pattern: str | None = None

    def schema(self) -> dict[str, Any]:
        described: dict[str, Any] = {"type": "string"}
        if self.required:
            described["minLength"] = 1
        return described if self.pattern is None else described | {"pattern": self.pattern}

    def read(self, query: Query) -> str | None:
        """What was given; a missing one that is required is noted as a fault."""
        found = query.text(self.name)
        if found is None and self.required:
            query.wrong(self.name, f"is required: {self.says}")
        return found


class Name(Parameter, frozen=True):
    """An id."""

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^$|{ID_PATTERN}"}

    def read(self, query: Query) -> str | None:
        """The id that was given, or None."""
        text = query.text(self.name)
        if text is not None and not is_id(text):
            query.wrong(self.name, "is not an id")
            return None
        return text


class Texts(Parameter, frozen=True):
    """Several texts, repeated or separated by commas."""

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string"}}

    def read(self, query: Query) -> tuple[str, ...]:
        """All that were given."""
        return query.texts(self.name)


class Number(Parameter, frozen=True, kw_only=True):
    """A whole number within bounds."""

    least: int = 0
    most: int = 2**63 - 1
    default: int | None = None

    def schema(self) -> dict[str, Any]:
        bounds = {"type": "integer", "minimum": self.least, "maximum": self.most}
        return bounds if self.default is None else bounds | {"default": self.default}

    def read(self, query: Query) -> int | None:
        """The number that was given, else the default."""
        found = query.optional_number(self.name, self.least, self.most)
        return self.default if found is None else found

    def wanted(self, query: Query) -> int:
        """The same for a parameter that has a default."""
        found = self.read(query)
        return (self.default or self.least) if found is None else found


class Choice(Parameter, frozen=True, kw_only=True):
    """One of some words; the first is the default."""

    options: tuple[str, ...]

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.options), "default": self.options[0]}

    def read(self, query: Query) -> str:
        """The word that was given, else the first."""
        return query.choice(self.name, self.options)


class Instant(Parameter, frozen=True):
    """A point in time."""

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "anyOf": [{"format": "date-time"}, {"maxLength": 0}]}

    def read(self, query: Query) -> Micros | None:
        """The instant that was given, or None."""
        return query.instant(self.name)


LIMIT = Number("limit", "items of a page", least=1, most=1000, default=1000)
AFTER = Text("after", "the `next` of the page before", pattern="^[A-Za-z0-9_=-]*$")
IDEMPOTENCY_KEY = Text(
    "Idempotency-Key", "the same as `idempotency_key` in the body, which rules", pattern="^[!-~]+$"
)
PAGE = (LIMIT, AFTER)
"""What every list by cursor takes."""
POOL = Name("pool", "of this pool: `provider/pool`")
AGENT = Name("agent_id", "of this agent")
IDENTITY = Name("identity_id", "of this identity")
WORKLOAD = Name("workload_id", "of this workload")
SCOPE = Name("scope_id", "of this scope")
