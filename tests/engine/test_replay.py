"""The log is the truth: whatever happens, a replay arrives at the same state."""

from __future__ import annotations

from engine_machine import EngineMachine
from hypothesis import HealthCheck, settings

TestReplay = EngineMachine.TestCase
TestReplay.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
