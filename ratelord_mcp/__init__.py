"""The MCP door: constraints that agents can see, ask and obey."""
