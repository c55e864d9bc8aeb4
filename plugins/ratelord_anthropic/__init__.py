"""Anthropic: requests, input and output tokens by model, from responses in passing or probes."""
