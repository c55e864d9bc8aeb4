"""Folds of events: what is known of identities, workloads' costs, providers and earlier answers."""
