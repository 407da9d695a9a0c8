"""Experiments: variants compared by cost and quality."""
