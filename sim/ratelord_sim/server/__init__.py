"""Scenarios played by a daemon on request: in processes of their own, beside its own work."""
