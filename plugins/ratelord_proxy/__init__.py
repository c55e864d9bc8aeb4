"""A reverse proxy that governs any client whose base URL is set to it."""
