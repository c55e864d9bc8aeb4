"""A forecast model for ratelord that plans for the busiest time of late."""
