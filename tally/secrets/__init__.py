"""Encryption of stored provider keys."""
