"""Candidate policies tried on the past: the log, replayed in virtual time by the real engine."""
