"""Shared basics: records, amounts, errors, settings."""
