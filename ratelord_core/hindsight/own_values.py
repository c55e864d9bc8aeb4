"""Values of the asker's own that pools are counted by (``per: client_context.KEY``): what the log
tells of them, and where it does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ratelord_core.engine.divisions import CONTEXT, KEPT, Digest
from ratelord_core.events.payloads import IntentDecided
from ratelord_core.ledger import Ledger
from ratelord_core.model.pool import PART, declared_key
from ratelord_core.policy.stack import PolicyStack


class OwnValues:
    """What is known of one log. The asker's values are not in it, but an answer names the parts of
    pools that it drew from, and a part is named by a value's digest: who was counted by a value
    before can be counted by it again, in any pool."""

    def __init__(self, past: Ledger, candidate: Ledger) -> None:
        self._past = past
        self._candidate = candidate
        self.lumped: Counter[str] = Counter()
        """Questions of which nobody knows whose they were, by the pool that counts them as one."""

    def of(self, e: IntentDecided) -> dict[str, Any]:
        """The values that an answer of the past tells of, as far as a pool was counted by them."""
        return {key: Digest(part) for key, part, _ in _parts(self._past, e)}

    def note(self, known: dict[str, Any], answer: IntentDecided) -> None:
        """What the candidate counted without knowing by what."""
        for key, _, pool in _parts(self._candidate, answer):
            if key not in known and key not in KEPT:
                self.lumped[pool] += 1

    def told(self, policy: PolicyStack) -> list[dict[str, Any]]:
        """The pools that counted several as one, with the rule, or the policy, that they belong to,
        as JSON values."""
        rules = {rule.cap: "/".join(rule.label) for rule in policy.rules if rule.cap}
        rules |= {f"policy/{one.id}": one.id for one in policy.document.policies}
        accounts = self._candidate.accounts
        return [
            {
                "pool": pool,
                "rule": rules.get(pool),
                "per": accounts[pool].pool.per,
                "questions": count,
            }
            for pool, count in sorted(self.lumped.items())
        ]


def sentence(one: dict[str, Any]) -> str:
    """What became of one such pool, in words."""
    what = f"rule {one['rule']}" if one["rule"] else f"pool {one['pool']}"
    return (
        f"{what} counts {one['per']}, which the log does not tell of {one['questions']} questions: "
        "they count as one here, and may be denied or delayed for each other's sake"
    )


def _parts(ledger: Ledger, e: IntentDecided) -> Iterator[tuple[str, str, str]]:
    """The parts of pools that an answer names: by what, which, and of which pool."""
    named = {line.pool for line in e.holds}
    if isinstance(e.tightest, str):
        named.add(e.tightest)
    for pool in named:
        whole, _, part = pool.partition(PART)
        account = ledger.accounts.get(declared_key(pool)) if part else None
        if account is not None and account.pool.per.startswith(CONTEXT):
            yield account.pool.per.removeprefix(CONTEXT), part, whole
