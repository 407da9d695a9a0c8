"""The nightly job: partitions, refresh, forecasts, report."""
