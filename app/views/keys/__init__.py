"""The Keys page."""
