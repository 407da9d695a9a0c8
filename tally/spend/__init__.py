"""Spend that no file or API reports: manual entries, subscriptions, sample data."""
