"""Money, counts and dates as text."""
