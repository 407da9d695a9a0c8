"""Traces of what programs did, as lists and as waterfalls."""
