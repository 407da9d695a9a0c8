"""Benchmarks, one module per measured claim; `make bench` runs them and prints ratios.

`python -m bench --size 0.02 ledger` is a quick run; `--before CHECKOUT` compares with an older schema.
"""
