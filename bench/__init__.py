"""Measured claims: one file each; `make bench` runs them and prints ratios."""
