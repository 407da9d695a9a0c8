"""Rules that raise alerts besides those of budgets, from facts that are stored."""
