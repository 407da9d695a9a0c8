"""Forecasting many series on processes or a Dask cluster."""
