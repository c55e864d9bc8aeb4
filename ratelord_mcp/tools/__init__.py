"""The tools that agents get, one noun a file."""
