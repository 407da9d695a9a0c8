"""The Subscriptions page."""
