"""A stage for the real engine: crowds, providers that say no, a clock that is turned."""
