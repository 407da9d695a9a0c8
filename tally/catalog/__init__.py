"""Providers and models by their canonical names."""
