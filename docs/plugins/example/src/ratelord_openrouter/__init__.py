"""The credit that an OpenRouter key has left, as a pool of ratelord."""
