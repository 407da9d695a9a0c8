"""Advice: what would cost less, how much, on which evidence, and what was really saved."""
