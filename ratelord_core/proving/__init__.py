"""Policies tried on cases: a state, a question and the answer that is expected, from files."""
