"""The door's verbs of the command line, each imported when it is typed."""
