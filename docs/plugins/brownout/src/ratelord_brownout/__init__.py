"""A policy action for ratelord that turns away more the closer a pool is to running dry."""
