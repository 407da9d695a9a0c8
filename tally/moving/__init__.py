"""A workspace with all its tables as one file, and back into any Tally."""
