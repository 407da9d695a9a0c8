"""Emails that Tally sends, and channels of alerts with what is delivered to them."""
