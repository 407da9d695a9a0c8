"""Telemetry that applications and agents send: signals, the calls in them, and the records of what counts."""
