"""Encryption at rest of provider keys and sessions."""
