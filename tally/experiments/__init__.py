"""Experiments: variants of how something is done, compared by cost and quality, and what was decided."""
