"""A gateway before any MCP server: passes messages on, and asks before tool calls."""
