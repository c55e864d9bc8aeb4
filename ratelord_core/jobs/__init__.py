"""Long work of a daemon in processes of their own beside it: bounded, followed, broken off."""

from ratelord_core.jobs.desk import Bounds, Desk
from ratelord_core.jobs.job import Job, Kind, Status
from ratelord_core.jobs.player import Player, Said

__all__ = ["Bounds", "Desk", "Job", "Kind", "Player", "Said", "Status"]
