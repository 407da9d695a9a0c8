"""Emails that Tally sends."""
