"""The Add entry page."""
