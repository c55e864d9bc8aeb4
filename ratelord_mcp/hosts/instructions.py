"""What an agent is told in the file of instructions that it reads first."""

from __future__ import annotations

from typing import Final

BEGIN: Final = "<!-- ratelord:begin (this block is kept by `ratelord mcp instructions`) -->"
END: Final = "<!-- ratelord:end -->"
_BEGINS: Final = "<!-- ratelord:begin"

BLOCK: Final = f"""{BEGIN}
## Limits: ask ratelord first

Requests, tokens and money are shared with other agents here, and ratelord knows what is left.

1. Before every action that uses a rate-limited or paid resource, call the tool `ask_intent` of
   the MCP server `ratelord`: say who you are (`agent_id`), whose credential pays (`identity_id`),
   what kind of work it is (`workload_id`) and where (`scope_id`).
2. `allowed: true`: wait `wait_seconds`, apply `modifications`, act before `valid_until`.
   `allowed: false`: do not act. Do other work, and ask again after `retry_at`; with
   `retry_at: null`, change the request as `reason` says. Never work around a denial, not even if
   the daemon is unreachable.
3. Afterwards call `report_usage` with the `intent_id` and what it really cost, or with the outcome
   `cancelled` if you did not act.
{END}
"""


def merged(text: str) -> str:
    """A file's text with the block in it: in the place of the one that was there, else at the end.

    Raises ``ValueError`` if the marks of the block do not pair up.
    """
    begins, ends = text.count(_BEGINS), text.count(END)
    if begins != ends or begins > 1:
        raise ValueError(f"it has {begins} beginnings and {ends} ends of our block; repair them")
    newline = "\r\n" if "\r\n" in text else "\n"
    block = BLOCK.replace("\n", newline)
    if not begins:
        before = text.rstrip()
        return before + newline * 2 + block if before else block
    start, end = text.index(_BEGINS), text.index(END)
    if end < start:
        raise ValueError("the end of our block stands before its beginning; repair them")
    return text[:start] + block.rstrip() + text[end + len(END) :]
