"""Quantile levels of stored forecast totals."""

# Probabilities of staying below the amounts in `forecast_totals.quantiles`, in the same order.
LEVELS = (0.01, 0.025, 0.05, *(step / 20 for step in range(2, 19)), 0.95, 0.975, 0.99)
