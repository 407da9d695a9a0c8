"""Budgets: their periods, what is spent of them and where they will likely end, and the alerts about it."""
