"""The question of a replay: fields, in the address, for one change to past calls."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.model_switch import list_targets
from tally.catalog.plans import OFFERS
from tally.pricing.replay_words import write_range
from tally.pricing.scenarios import Scenario, Target, parse_plan, parse_range
from tally.pricing.tokenizers import Range

MODEL, BATCH, FLEX, CACHE, PLAN = "Model", "Batch", "Flex", "Cache", "Plan"
CHANGES = (MODEL, BATCH, FLEX, CACHE, PLAN)
LENGTHS = {"30 days": 30, "90 days": 90}
EVERY_MODEL = "All models"
CONTEXTS = {BATCH: {"processing": "batch"}, FLEX: {"service_tier": "flex"}}
CACHES = {"5 minutes": "5m", "1 hour": "1h", "None": "off"}
CHANGE, LENGTH, OF, TO, AT = "change", "length", "of", "to", "at"
TOKENS_HELP = "How many times as many tokens the other model counts for the same text: one factor, or two."
ANSWERS_HELP = "How many times as long its answers are: one factor, or two. What it writes is not known."


@dataclass(frozen=True, slots=True)
class Question:
    """A scenario, and the days whose calls are replayed."""

    scenario: Scenario
    days: tuple[date, date]


def ask(user: User, today: date, project_id: str | None) -> Question | None:
    """Draw the fields; returns the question, None where there is none yet. Raises TallyError."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        change = _choose("Change", CHANGES, CHANGE) or MODEL
        length = _choose("Period", tuple(LENGTHS), LENGTH, 1) or "90 days"
    used = load_used(user, today)
    scenario = _ask_scenario(user, change, used)
    if scenario is None:
        return None
    first = today - timedelta(days=LENGTHS[length] - 1)
    return Question(_within(scenario, project_id), (first, today))


def load_used(user: User, today: date) -> dict[str, str]:
    """The models of the last 90 days with their providers, those of most spend first."""
    daily = data.load_daily(user, today - timedelta(days=89), today)
    spent: dict[tuple[str, str], Decimal] = {}
    for provider, model, amount in zip(daily["provider"], daily["model"], daily["amount"], strict=True):
        spent[model, provider] = spent.get((model, provider), Decimal(0)) + (amount or Decimal(0))
    found: dict[str, str] = {}
    for model, provider in sorted(spent, key=lambda key: (-spent[key], key)):
        found.setdefault(model, provider)
    return found


def _choose(label: str, options: tuple[str, ...], key: str, usual: int = 0) -> str | None:
    return st.segmented_control(
        label,
        options,
        default=options[usual],
        required=True,
        key=key,
        bind="query-params",
        label_visibility="collapsed",
    )


def _ask_scenario(user: User, change: str, used: dict[str, str]) -> Scenario | None:
    if change == PLAN:
        names = [f"{offer.name}, ${offer.usd} a month" for offers in OFFERS.values() for offer in offers]
        plan = st.selectbox("Plan", names, key="plan", bind="query-params")
        return parse_plan(plan.partition(",")[0])
    if change == MODEL:
        return _ask_models(user, used)
    models: dict[str, Target] = {}
    with st.grid(2, min_column_width=220, gap="medium"):
        of = st.selectbox("Calls of", [EVERY_MODEL, *used], key=OF, bind="query-params")
        if of != EVERY_MODEL:
            models = {of: Target(of)}
        if change == CACHE:
            kept = st.selectbox("Cache of prompts", list(CACHES), key="cache", bind="query-params")
            return Scenario(models, cache=CACHES[kept])  # type: ignore[arg-type]  # one of the settings
    return Scenario(models, CONTEXTS[change])


def _ask_models(user: User, used: dict[str, str]) -> Scenario | None:
    asked_of, asked_to = st.query_params.get(OF), st.query_params.get(TO)
    own = [*used, *([asked_of] if asked_of and asked_of not in (*used, EVERY_MODEL) else [])]
    if not own:
        return None
    with st.grid(4, min_column_width=170, gap="medium"):
        of = st.selectbox("Calls of", own, key=OF, bind="query-params")
        targets = list_targets(used, data.load_workspace_prices(user), of)
        if asked_to and asked_to != of:
            targets.setdefault(asked_to, "")
        to = st.selectbox("On", list(targets), key=TO, bind="query-params")
        provider = st.query_params.get(AT) if to == asked_to else None
        target = Target(to, provider or targets[to] or None)
        usual = target.find_ranges(of)
        tokens = st.text_input("Tokens", write_range(usual[0]), help=TOKENS_HELP, key=f"tokens-{of}-{to}")
        answers = st.text_input("Answers", write_range(usual[1]), help=ANSWERS_HELP, key=f"answers-{of}-{to}")
    return Scenario(
        {of: Target(target.model, target.provider, _read(tokens, "Tokens"), _read(answers, "Answers"))}
    )


def _read(text: str, label: str) -> Range:
    return parse_range(text.replace("to", "-"), label)


def _within(scenario: Scenario, project_id: str | None) -> Scenario:
    return Scenario(
        scenario.models, scenario.context, scenario.cache, scenario.plan_usd, scenario.covers, project_id
    )
