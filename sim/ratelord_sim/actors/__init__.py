"""Who acts on the stage: agents, saboteurs, the network between them and the daemon."""
