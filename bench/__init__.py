"""Benchmarks, one module per measured claim; `make bench` runs them and prints ratios."""
