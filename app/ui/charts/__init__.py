"""Charts as pure functions: a frame in, a Plotly figure out. Money is float."""

from app.ui.charts.agents import class_colours, session_cache, session_course, token_classes
from app.ui.charts.bars import shares
from app.ui.charts.budget import budget_course, scope_months
from app.ui.charts.daily import Context, Earlier, daily_spend, mark_days
from app.ui.charts.experiments import quality_interval, ratio_intervals
from app.ui.charts.explore import (
    NO_GROUP,
    WEEKDAYS,
    Band,
    Cell,
    Course,
    Tile,
    grid_of_cells,
    lines,
    name_moment,
    stacked_bars,
    treemap,
)
from app.ui.charts.forecast import LIKELY, earlier_predictions, forecast_ribbons
from app.ui.charts.invoices import credit_course, difference_bars
from app.ui.charts.models import Line, course, latency_curve, model_colours
from app.ui.charts.prices import price_steps, stored_sizes
from app.ui.charts.prompts import Estimate, estimates, traffic
from app.ui.charts.spend import pairs
from app.ui.charts.style import config, is_weekly, list_legend, own_colours, series_colours, top_names
from app.ui.charts.traces import kind_colours, trace_scatter, waterfall_bar

__all__ = [
    "LIKELY",
    "NO_GROUP",
    "WEEKDAYS",
    "Band",
    "Cell",
    "Context",
    "Course",
    "Earlier",
    "Estimate",
    "Line",
    "Tile",
    "budget_course",
    "class_colours",
    "config",
    "course",
    "credit_course",
    "daily_spend",
    "difference_bars",
    "earlier_predictions",
    "estimates",
    "forecast_ribbons",
    "grid_of_cells",
    "is_weekly",
    "kind_colours",
    "latency_curve",
    "lines",
    "list_legend",
    "mark_days",
    "model_colours",
    "name_moment",
    "own_colours",
    "pairs",
    "price_steps",
    "quality_interval",
    "ratio_intervals",
    "scope_months",
    "series_colours",
    "session_cache",
    "session_course",
    "shares",
    "stacked_bars",
    "stored_sizes",
    "token_classes",
    "top_names",
    "trace_scatter",
    "traffic",
    "treemap",
    "waterfall_bar",
]
