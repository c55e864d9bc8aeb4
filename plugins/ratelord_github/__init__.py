"""GitHub's REST and GraphQL limits, as ``GET /rate_limit`` and response headers tell them."""
