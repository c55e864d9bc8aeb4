"""OpenAI and what speaks like it: limits by model, from responses in passing or from probes."""
