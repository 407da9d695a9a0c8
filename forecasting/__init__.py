"""Forecasts of spend, and the nightly job that makes them."""
