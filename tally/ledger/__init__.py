"""Saving of records, billing accounts and reconciliation."""
