"""Backtests, baselines and scores, on series in files."""
