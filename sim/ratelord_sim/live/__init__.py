"""The same scenarios in real time, against a daemon that runs, over its public interface."""
