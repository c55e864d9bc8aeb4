"""The programs that agents live in: where they keep their settings, and how to write there."""
