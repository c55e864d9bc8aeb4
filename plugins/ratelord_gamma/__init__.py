"""A built-in plugin."""
