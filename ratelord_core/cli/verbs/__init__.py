"""The verbs: every module here has ``register(app)``, and a new file is a new verb."""
