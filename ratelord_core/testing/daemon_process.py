"""A real daemon in a process of its own, for tests: on a temporary folder and a free port."""

from ratelord_core.cli.daemon_process import ANNOUNCEMENT, DaemonDied, DaemonProcess

__all__ = ["ANNOUNCEMENT", "DaemonDied", "DaemonProcess"]
