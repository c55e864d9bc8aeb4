"""Simulated providers: they count for themselves, and say no."""
