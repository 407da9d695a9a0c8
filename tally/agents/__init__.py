"""Coding agents' logs: one module per agent, scanning and upload."""
