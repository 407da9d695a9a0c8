"""The levels at which the distribution of a predicted total is stored and read."""

# The chance that a total stays below the amount in the same place of `forecast_totals.quantiles`.
LEVELS = (0.01, 0.025, 0.05, *(step / 20 for step in range(2, 19)), 0.95, 0.975, 0.99)
