"""All advice about a workspace, found in its facts by the rules of every kind."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta

from tally.advice.facts import Facts
from tally.advice.findings import (
    LEAST_ACTIVE_DAYS,
    TO_MONTH,
    WINDOW_DAYS,
    Advice,
    select_worthwhile,
)
from tally.advice.rules import (
    batch,
    cache_lifetime,
    caching,
    experiments,
    idle_keys,
    model_switch,
    plans,
    premiums,
    repeats,
    retirement,
)

Rule = Callable[[Facts], Iterator[Advice]]

# About usage: said once there is enough of it.
OF_USAGE: tuple[Rule, ...] = (
    model_switch.find,
    caching.find,
    cache_lifetime.find,
    batch.find,
    premiums.find_long,
    premiums.find_priority,
    repeats.find,
    retirement.find,
    plans.find_plan,
)
# About decisions, and what is paid for or open without use.
OF_BELONGINGS: tuple[Rule, ...] = (experiments.find, plans.find_api, plans.find_unused, idle_keys.find)


def find_advice(facts: Facts) -> list[Advice]:
    """List what is worth saying, largest saving first. Savings overlap: they are never added up."""
    rules = OF_BELONGINGS + (OF_USAGE if has_enough(facts) else ())
    found = [advice for rule in rules for advice in _apply(rule, facts)]
    return select_worthwhile(found, facts.spend_usd * TO_MONTH)


def has_enough(facts: Facts) -> bool:
    """Check for four weeks of data, with usage on half of their days."""
    first = facts.window[1] - timedelta(days=WINDOW_DAYS - 1)
    return facts.first_day is not None and facts.first_day <= first and facts.active_days >= LEAST_ACTIVE_DAYS


def _apply(rule: Rule, facts: Facts) -> list[Advice]:
    """The advice of one rule; one that fails leaves the others alone."""
    try:
        return list(rule(facts))
    except (ArithmeticError, LookupError, ValueError):
        logging.getLogger(__name__).exception("Advice of %s could not be found", rule.__module__)
        return []
