"""Carries traces and metrics to an OpenTelemetry collector, where the environment names one."""
