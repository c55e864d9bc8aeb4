"""Results for people: a page with plots, a table, what differs between two."""
