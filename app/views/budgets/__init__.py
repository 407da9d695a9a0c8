"""The Budgets page."""
