"""Event logs in SQL databases; SQLite needs no server and no configuration."""
