"""What common calls take of an account's pools, and what does the same by the other protocol.

Sources: GitHub's guides "Rate limits for the REST API" (points of each kind of request, limits of
what creates content) and "Rate limits and query limits for the GraphQL API"; which pool a call is
of: its REST reference, "Rate limit".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ratelord_core.model.config import WorkloadConfig

_EVERY: Final = {"secondary/concurrent": 1.0, "secondary/pause": 1.0}
_READ: Final = {"secondary/rest_points": 1.0, **_EVERY}
_WRITE: Final = {"secondary/rest_points": 5.0, **_EVERY}
_CONTENT: Final = {"secondary/content_minute": 1.0, "secondary/content_hour": 1.0}
_QUERY: Final = {"graphql": 1.0, "secondary/graphql_points": 1.0, **_EVERY}
_MUTATION: Final = {"graphql": 1.0, "secondary/graphql_points": 5.0, **_EVERY}

KINDS: Final[dict[str, dict[str, float]]] = {
    "rest_read": {"core": 1, **_READ},
    "rest_write": {"core": 1, **_WRITE},
    "create_content": {"core": 1, **_WRITE, **_CONTENT},
    "search": {"search": 1, **_READ},
    "code_search": {"code_search": 1, **_READ},
    "graphql_query": _QUERY,
    "graphql_mutation": _MUTATION,
    "graphql_content": {**_MUTATION, **_CONTENT},
    "app_manifest": {"integration_manifest": 1, **_WRITE},
    "upload_sarif": {"code_scanning_upload": 1, **_WRITE},
    "submit_dependencies": {"dependency_snapshots": 1, **_WRITE},
    "export_sbom": {"dependency_sbom": 1, **_READ},
    "runner_registration": {"actions_runner_registration": 1, **_WRITE},
    "audit_log": {"audit_log": 1, **_READ},
    "scim": {"scim": 1, **_READ},
}
"""Units by pool, for every kind of call."""

CALLS: Final[dict[str, tuple[str, str]]] = {
    "get_repository": ("rest_read", "graphql_query"),
    "list_repositories": ("rest_read", "graphql_query"),
    "get_content": ("rest_read", "graphql_query"),
    "list_branches": ("rest_read", "graphql_query"),
    "list_commits": ("rest_read", "graphql_query"),
    "list_releases": ("rest_read", "graphql_query"),
    "get_issue": ("rest_read", "graphql_query"),
    "list_issues": ("rest_read", "graphql_query"),
    "list_comments": ("rest_read", "graphql_query"),
    "get_pull_request": ("rest_read", "graphql_query"),
    "list_pull_requests": ("rest_read", "graphql_query"),
    "list_reviews": ("rest_read", "graphql_query"),
    "list_check_runs": ("rest_read", "graphql_query"),
    "list_workflow_runs": ("rest_read", ""),
    "search_issues": ("search", "graphql_query"),
    "search_repositories": ("search", "graphql_query"),
    "search_users": ("search", "graphql_query"),
    "search_commits": ("search", ""),
    "search_code": ("code_search", ""),
    "create_issue": ("create_content", "graphql_content"),
    "create_comment": ("create_content", "graphql_content"),
    "create_pull_request": ("create_content", "graphql_content"),
    "create_review": ("create_content", "graphql_content"),
    "update_issue": ("rest_write", "graphql_mutation"),
    "add_labels": ("rest_write", "graphql_mutation"),
    "merge_pull_request": ("rest_write", "graphql_mutation"),
    "put_content": ("create_content", "graphql_content"),
    "dispatch_workflow": ("rest_write", ""),
    "convert_app_manifest": ("app_manifest", ""),
    "upload_sarif": ("upload_sarif", ""),
    "submit_dependencies": ("submit_dependencies", ""),
    "export_sbom": ("export_sbom", ""),
    "register_runner": ("runner_registration", ""),
    "read_audit_log": ("audit_log", ""),
    "provision_user": ("scim", ""),
}
"""Common calls: their kind by REST, and by GraphQL, where GraphQL has them too."""


def shipped(provider_id: str, wanted: object) -> dict[str, WorkloadConfig]:
    """The calls as workloads of an account: ``github:list_issues`` and, as its substitute,
    ``github:list_issues.graphql``. ``wanted`` is the option ``workloads``: true, or what stands in
    place of ``github:``; none if it is anything else."""
    if wanted is True:
        wanted = "github:"
    return dict(_workloads(provider_id, wanted)) if isinstance(wanted, str) else {}


def consumes(provider_id: str, kind: str) -> dict[str, float]:
    """What a kind of call takes of an account's pools, as a workload's ``consumes`` has it."""
    return {f"{provider_id}/{pool}": float(units) for pool, units in KINDS[kind].items()}


def _workloads(provider_id: str, start: str) -> Iterator[tuple[str, WorkloadConfig]]:
    for call, (rest, graphql) in CALLS.items():
        name, other = f"{start}{call}", f"{start}{call}.graphql"
        by = {"graphql": other} if graphql else {}
        yield name, WorkloadConfig(consumes(provider_id, rest), protocols=by)
        if graphql:
            vector = consumes(provider_id, graphql)
            yield other, WorkloadConfig(vector, protocols={"rest": name})
