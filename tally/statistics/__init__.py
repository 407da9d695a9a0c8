"""Statistics of two sides: intervals of ratios and differences, power, Holm's adjustment, a verdict."""

from tally.statistics.costs import compare_costs, compare_paired_costs
from tally.statistics.holm import adjust
from tally.statistics.intervals import MIN_RUNS, Interval, Ratio, TooFew
from tally.statistics.judging import Claim, Verdict, judge
from tally.statistics.power import calculate_power, needed_runs, needed_runs_of_means
from tally.statistics.quality import compare_means, compare_paired_means, compare_rates, rate_interval

__all__ = [
    "MIN_RUNS",
    "Claim",
    "Interval",
    "Ratio",
    "TooFew",
    "Verdict",
    "adjust",
    "calculate_power",
    "compare_costs",
    "compare_means",
    "compare_paired_costs",
    "compare_paired_means",
    "compare_rates",
    "judge",
    "needed_runs",
    "needed_runs_of_means",
    "rate_interval",
]
