"""Projects for authors of plugins, whole and tested from the first minute."""
