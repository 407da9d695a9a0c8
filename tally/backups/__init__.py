"""Backups of a database and its keys in one file, and which of them are kept."""
