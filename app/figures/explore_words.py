"""The offers of Explore and their names: measures, groupings, steps of time, charts and periods."""

from typing import Literal, NamedTuple

from tally.core.dimensions import DIMENSIONS as RECORD_DIMENSIONS

Unit = Literal["money", "ratio", "tokens", "requests"]


class Measure(NamedTuple):
    """A measure: its label in the menu, its name in a title, and its unit."""

    label: str
    title: str
    unit: Unit


class Dimension(NamedTuple):
    """A grouping or filter: its label, and the word for several of its values."""

    label: str
    plural: str


MEASURES: dict[str, Measure] = {
    "spend": Measure("Spend", "Spend", "money"),
    "value": Measure("Value incl. plans", "Value", "money"),
    "tokens": Measure("Tokens", "Tokens", "tokens"),
    "input_tokens": Measure("Input tokens", "Input tokens, not cached,", "tokens"),
    "cache_read_tokens": Measure("Cache reads", "Tokens read from caches", "tokens"),
    "cache_write_tokens": Measure("Cache writes", "Tokens written to caches", "tokens"),
    "output_tokens": Measure("Output tokens", "Output tokens", "tokens"),
    "reasoning_tokens": Measure("Reasoning tokens", "Reasoning tokens", "tokens"),
    "requests": Measure("Requests", "Requests", "requests"),
    "cached_requests": Measure("Requests from a cache", "Requests that used a cache", "requests"),
    "cost_per_request": Measure("Cost per request", "Cost per request", "ratio"),
    "cache_savings": Measure("Cache savings", "Cache savings", "money"),
}
_PLURALS = {
    "agent": "Agents",
    "task": "Tasks",
    "session": "Sessions",
    "tool": "Tools",
    "repository": "Repositories",
    "branch": "Branches",
    "environment": "Environments",
    "container": "Containers",
    "customer": "Customers",
    "prompt": "Prompts",
}
DIMENSIONS: dict[str, Dimension] = {
    "provider": Dimension("Provider", "Providers"),
    "model": Dimension("Model", "Models"),
    "project": Dimension("Project", "Projects"),
    "source": Dimension("Source", "Sources"),
    "billing_account": Dimension("Billing account", "Billing accounts"),
    "person": Dimension("Person", "People"),
    **{name: Dimension(RECORD_DIMENSIONS[name].title, plural) for name, plural in _PLURALS.items()},  # type: ignore[index]
    "api_key": Dimension("API key", "API keys"),
    "tag": Dimension("Tag", "Tags"),
    "token_class": Dimension("Token class", "Token classes"),
    "charge_type": Dimension("Charge", "Charges"),
    "cost_basis": Dimension("Basis", "Bases"),
}
GRANULARITIES = {
    "hour": "Hour",
    "day": "Day",
    "week": "Week",
    "month": "Month",
    "weekday": "Weekday",
    "hour_of_day": "Hour of day",
}
PRESETS = {
    "7D": "Last 7 days",
    "30D": "Last 30 days",
    "90D": "Last 90 days",
    "1Y": "Last year",
    "This month": "This month",
    "Last month": "Last month",
    "All": "All time",
}
COMPARISONS = {"before": "Previous period", "year": "Same days last year", "nothing": "Nothing"}
CHARTS = {
    "bars": "Bars",
    "lines": "Lines",
    "heatmap": "Heatmap",
    "calendar": "Calendar",
    "treemap": "Treemap",
}
CHART_ICONS = {
    "bars": "bar_chart",
    "lines": "show_chart",
    "heatmap": "grid_on",
    "calendar": "calendar_month",
    "treemap": "space_dashboard",
}
TOPS = (6, 10, 20, 50)
MOST_DAYS_BY_HOUR, MOST_DAYS_BY_DAY = 45, 1_100
HOURS_UP_TO, DAYS_UP_TO, WEEKS_UP_TO = 2, 100, 400  # days of a period


def choose_granularity(per: str | None, days: int) -> str:
    """The asked step of time where a period is short enough for it, else one that suits it."""
    bounds = {"hour": MOST_DAYS_BY_HOUR, "day": MOST_DAYS_BY_DAY}
    if per and days <= bounds.get(per, days):
        return per
    if days <= HOURS_UP_TO:
        return "hour"
    return "day" if days <= DAYS_UP_TO else "week" if days <= WEEKS_UP_TO else "month"


def describe_split(by: tuple[str, ...]) -> str:
    """The groupings within a sentence: ` by branch and model`."""
    names = [_lower(DIMENSIONS[name].label) for name in by]
    return f" by {' and '.join(names)}" if names else ""


def describe_groups(by: tuple[str, ...]) -> str:
    """The groupings as the title of a table: `Branches and models`."""
    first, *others = [DIMENSIONS[name].plural for name in by] or ["Total"]
    return " and ".join([first, *map(_lower, others)])


def _lower(label: str) -> str:
    return label if label.startswith("API") else label[0].lower() + label[1:]
