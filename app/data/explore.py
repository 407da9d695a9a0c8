"""Costs by any two dimensions and any time, with names for ids and money in the display currency."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any, cast

from app.auth.identity import User
from app.data.analytics import ask_engine
from app.data.people import load_people
from app.data.preferences import load_currency
from app.data.prices import load_workspace_prices
from app.data.projects import load_projects
from app.data.providers import load_providers
from app.data.reading import cached, call, data_version
from app.data.sources import load_account_names, load_sources
from app.figures.currencies import COVERED_SINCE, Currency
from app.figures.exploring import (
    Explored,
    Group,
    Key,
    KeyKind,
    NameOf,
    Point,
    Question,
    ValueChoice,
    ValueChoices,
    find_last_year,
    read_answer,
)
from tally.core.dimensions import DIMENSIONS
from tally.pricing.cache_prices import list_cache_prices
from tally.storage.dimension_costs import HIDDEN

__all__ = [
    "Explored",
    "Group",
    "Key",
    "Point",
    "Question",
    "ValueChoices",
    "count_unknown",
    "find_last_year",
    "load_explored",
    "load_values",
    "name_values",
]

MOST_GROUPS = 1000  # of a question without time
CHOICES = 50
ENTRIES = "Entries and subscriptions"  # what has no source
NONE = {
    "project": "Unassigned",
    "person": "Deleted accounts",
    "source": ENTRIES,
    "billing_account": "No billing account",
    "api_key": "No API key",
    "tag": "No tag",
} | {name: dimension.none for name, dimension in DIMENSIONS.items()}
UNKNOWN = {"project": "Unknown project", "person": "Deleted account", "source": "Another source"}
HIDDEN_KEYS = {"project": "Other projects", "person": "Other people"}
WORDS = {
    "token_class": {
        "input": "Input",
        "cache_read": "Cache reads",
        "cache_write": "Cache writes",
        "output": "Output",
        "reasoning": "Reasoning",
        "other": "Not split",
    },
    "charge_type": {
        "usage": "Usage",
        "subscription": "Subscription",
        "credit": "Credit",
        "tax": "Tax",
        "adjustment": "Adjustment",
    },
    "cost_basis": {"billed": "Billed", "estimated": "Estimated", "included": "Included"},
}


def load_explored(user: User, question: Question) -> Explored:
    """The answer to a question; raises DatabaseError, whose text says what the question may not ask."""
    asked = user, data_version(user), question, load_currency(user)
    explored = _explored(*asked)
    if explored.source and explored.source.seconds_behind:
        cast(Any, _explored).clear(
            *asked
        )  # the data version has changed already, and will not when the engine has all
    return explored


@cached
def _explored(user: User, version: str, question: Question, currency: Currency) -> Explored:  # noqa: ARG001
    answer = ask_engine(
        user,
        "explore_costs",
        measure=question.measure,
        by=list(question.by),
        granularity=question.granularity,
        top_n=question.top,
        rates=list_rates(question, currency) if question.unit == "money" else None,
        prices=_list_prices(user, question) if question.measure == "cache_savings" else None,
        **_ask_for_records(question),
    )
    return replace(read_answer(question, answer.value, _name_keys(user, question.by)), source=answer.source)


def load_values(user: User, question: Question, dimension: str, search: str = "") -> ValueChoices:
    """Values of a dimension in the question's period, dearest first, under its other filters."""
    filters = tuple((name, values) for name, values in question.filters if name != dimension)
    asked = Question(question.first, question.last, filters=filters)
    return _values(user, data_version(user), asked, (dimension, search.strip()), load_currency(user))


@cached
def _values(
    user: User,
    version: str,  # noqa: ARG001
    question: Question,
    wanted: tuple[str, str],
    currency: Currency,
) -> ValueChoices:
    dimension, search = wanted
    name_of = _name_keys(user, (dimension,))
    has_names = dimension in _NAMERS or dimension in WORDS  # which the database does not know
    answer = ask_engine(
        user,
        "explore_values",
        dimension=dimension,
        search="" if has_names else search,
        at_most=MOST_GROUPS if has_names else CHOICES,
        rates=list_rates(question, currency),
        **_ask_for_records(question),
    ).value
    found = [
        ValueChoice(row["value"], name_of(dimension, row["kind"], row["value"]), Decimal(row["amount"]))
        for row in answer["values"]
    ]
    if not has_names:
        return ValueChoices(tuple(found), answer["more"])
    named = [choice for choice in found if search.casefold() in choice.label.casefold()]
    return ValueChoices(tuple(named[:CHOICES]), max(len(named) - CHOICES, 0) + answer["more"])


def list_rates(question: Question, currency: Currency) -> list[str] | None:
    """Units of a currency for a dollar on each day of a question; None for dollars."""
    if not currency.is_converted:
        return None
    return [format(currency.convert(Decimal(1), max(day, COVERED_SINCE)), "f") for day in question.days]


def _ask_for_records(question: Question) -> dict[str, Any]:
    return {
        "from_date": question.first.isoformat(),
        "to_date": question.last.isoformat(),
        "filters": {name: list(values) for name, values in question.filters},
    }


def _list_prices(user: User, question: Question) -> list[dict[str, str | None]]:
    """Prices of the models that read from caches."""
    answer = call(
        user,
        "explore_costs",
        measure="cache_read_tokens",
        by=["provider", "model"],
        granularity="none",
        top_n=MOST_GROUPS,
        **_ask_for_records(replace(question, filters=_select_daily(question))),
    )
    models = [
        (part["keys"][0]["value"], part["keys"][1]["value"])
        for part in answer["parts"]
        if part["kind"] == "value" and Decimal(part["value"]) > 0
    ]
    prices = list_cache_prices(models, question.first, question.last, load_workspace_prices(user))
    return [price.describe() for price in prices]


def _select_daily(question: Question) -> tuple[tuple[str, tuple[str | None, ...]], ...]:
    """Filters that sums of days know: the others would take longer than the models that they leave out."""
    return tuple(kept for kept in question.filters if kept[0] in ("provider", "model", "project"))


def name_values(user: User, dimension: str, values: Sequence[str | None]) -> list[str]:
    """The names of values of a dimension, as groups have them."""
    name = _name_keys(user, (dimension,))
    return [name(dimension, "none" if value is None else "value", value) for value in values]


def count_unknown(user: User, dimension: str, values: Sequence[str | None]) -> int:
    """The number of ids of projects, people or sources that the user knows none of."""
    unknown = UNKNOWN.get(dimension)
    return sum(name == unknown for name in name_values(user, dimension, values)) if unknown else 0


def _name_keys(user: User, dimensions: tuple[str, ...]) -> NameOf:
    """A function that names keys of these dimensions."""
    names = {
        dimension: load(user) for dimension in dimensions if (load := _NAMERS.get(dimension)) is not None
    }

    def name(dimension: str, kind: KeyKind, value: str | None) -> str:
        if kind == "hidden":
            return HIDDEN_KEYS.get(dimension, HIDDEN)
        if value is None:
            return NONE.get(dimension, f"No {dimension}")
        if dimension in names:
            return names[dimension](value)
        return WORDS.get(dimension, {}).get(value, value)

    return name


def _name_providers(user: User) -> Callable[[str], str]:
    return partial(_find, {provider.slug: provider.name for provider in load_providers(user)}, None)


def _name_projects(user: User) -> Callable[[str], str]:
    names = {project.project_id: project.name for project in load_projects(user)}
    return partial(_find, names, UNKNOWN["project"])


def _name_people(user: User) -> Callable[[str], str]:
    names = {user_id: person.email for user_id, person in load_people(user).items() if person.email}
    return partial(_find, names, UNKNOWN["person"])


def _name_sources(user: User) -> Callable[[str], str]:
    from app.figures.source_names import describe_source  # imports every importer and connector

    names = {source["id"]: describe_source(source) for source in load_sources(user)}
    return partial(_find, names, UNKNOWN["source"])


def _name_accounts(user: User) -> Callable[[str], str]:
    from app.figures.source_names import describe_billing_account

    providers = {provider.slug: provider.name for provider in load_providers(user)}
    given = load_account_names(user)
    return lambda account: describe_billing_account(account, providers, given)


def _find(names: Mapping[str, str], unknown: str | None, value: str) -> str:
    return names.get(value, value if unknown is None else unknown)


_NAMERS: dict[str, Callable[[User], Callable[[str], str]]] = {
    "provider": _name_providers,
    "project": _name_projects,
    "person": _name_people,
    "source": _name_sources,
    "billing_account": _name_accounts,
}
