"""Sample work on what is spent: prompts with versions, a decided and a running experiment, invoices.

Admins alone may add all of it, so the sample of other members has none.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from tally.experiments.evaluation import evaluate
from tally.experiments.sent import SentRunScore
from tally.experiments.stored import decide, delete, gather_runs, load_experiment, save_scores
from tally.experiments.words import freeze
from tally.invoices.invoice import Invoice, Kind, Line, Period, to_json
from tally.prompts.template import find_variables
from tally.samples.texts import TEXTS
from tally.spend import sample_data
from tally.spend.sample_tickets import (
    DAYS,
    HAIKU,
    REFUNDS,
    REPLIES,
    REPLIES_CHANGED,
    REWRITTEN,
    SONNET,
    SPLIT_SINCE,
    TAGGING,
    TRIED_UNTIL,
    sample_tickets,
)
from tally.storage.database import Database, Query, Row

ADMINS = ("admin", "owner")
PRODUCTION, STAGING = "production", "staging"
CHEAPER = "haiku"
TAG_SCORE, ANSWER_SCORE = "right_tag", "policy_correct"
NUMBER = "SAMPLE-{}"  # of invoices
UNEXPLAINED_USD = Decimal("4.12")
TAX = Decimal("0.19")
CREDITS_USD, CREDITS_AGE = Decimal(30), 60
# Days ago that a version began, and an environment was given shares.
BEGAN = {
    REFUNDS: (DAYS, REWRITTEN, SPLIT_SINCE),
    TAGGING: (2 * DAYS, DAYS),
    REPLIES: (DAYS, REPLIES_CHANGED),
}
GIVEN = {
    REFUNDS: (
        (PRODUCTION, {1: 100}, DAYS, REWRITTEN),
        (PRODUCTION, {2: 100}, REWRITTEN, SPLIT_SINCE),
        (PRODUCTION, {2: 50, 3: 50}, SPLIT_SINCE, None),
        (STAGING, {3: 100}, SPLIT_SINCE, None),
    ),
    TAGGING: ((PRODUCTION, {2: 100}, DAYS, None),),
    REPLIES: (
        (PRODUCTION, {1: 100}, DAYS, REPLIES_CHANGED),
        (PRODUCTION, {2: 100}, REPLIES_CHANGED, None),
    ),
}


def load_work(database: Database, today: date) -> None:
    """Add prompts, experiments and invoices, unless the account has them or may not."""
    if not _may_add(database) or _list_experiments(database):
        return
    for name in BEGAN:
        _bring_prompt(database, name, today)
    decided = _bring_experiment(database, _describe_tagging(today))
    _decide(database, decided, CHEAPER, today)
    running = _bring_experiment(database, _describe_answers(today))
    _score(database, running, ANSWER_SCORE, today)
    for invoice in _list_invoices(today):
        database.call("save_invoice", invoice=to_json(invoice, Decimal(1)))


def remove_work(database: Database) -> None:
    """Remove what the account added, and open advice, which is found again in what stays."""
    if not _may_add(database):
        return
    for experiment_id in _list_experiments(database):
        delete(database, experiment_id)
    own = {"created_by": database.scope.user_id}
    for row in database.select(Query("invoices", "id,number", ["id"], own)):
        if row["number"].startswith(NUMBER.format("")):
            database.call("delete_invoice", invoice=row["id"])
    for name in BEGAN:
        database.call("remove_sample_prompt", prompt=name)


def _may_add(database: Database) -> bool:
    own = Query("members", "role", ["role"], {"user_id": database.scope.user_id})
    return any(row["role"] in ADMINS for row in database.select(own))


def _list_experiments(database: Database) -> list[str]:
    own = Query("experiments", "id,metadata", ["id"], {"created_by": database.scope.user_id})
    return [str(row["id"]) for row in database.select(own) if row["metadata"].get("sample") is True]


def _ago(today: date, days: int) -> str:
    return datetime.combine(today - timedelta(days=days), time(), UTC).isoformat()


def _bring_prompt(database: Database, name: str, today: date) -> None:
    versions = [
        {
            "number": number,
            "content": text.content,
            "message": text.message,
            "labels": text.labels,
            "variables": find_variables(text.content),
            "created_at": _ago(today, age),
        }
        for number, (text, age) in enumerate(zip(TEXTS[name], BEGAN[name], strict=True), 1)
    ]
    deployments = [
        {
            "environment": environment,
            "number": number,
            "share": share,
            "from_at": _ago(today, first),
            "to_at": None if end is None else _ago(today, end),
        }
        for environment, shares, first, end in GIVEN[name]
        for number, share in shares.items()
    ]
    prompt = {"name": name, "tags": ["sample"]}
    database.call("bring_prompt", prompt=prompt, versions=versions, deployments=deployments)


def _describe_tagging(today: date) -> Row:
    return {
        "name": "Ticket tags on Haiku",
        "question": f"Can ticket tags move to {HAIKU}?",
        "primary_score": TAG_SCORE,
        "margin": "0.1",
        "min_runs": 100,
        "starts_at": _ago(today, DAYS),
        "ends_at": _ago(today, TRIED_UNTIL - 1),
        "variants": [
            {"name": name, "is_baseline": model == SONNET, "match": {"prompt": TAGGING, "model": model}}
            for name, model in (("sonnet", SONNET), (CHEAPER, HAIKU))
        ],
    }


def _describe_answers(today: date) -> Row:
    return {
        "name": "Shorter refund prompt",
        "question": f"Is {REFUNDS} v3 as good as v2?",
        "primary_score": ANSWER_SCORE,
        "margin": "0.05",
        "min_runs": 120,
        "starts_at": _ago(today, SPLIT_SINCE),
        "variants": [
            {
                "name": f"v{number}",
                "is_baseline": number == 2,
                "match": {"prompt": REFUNDS, "prompt_version": f"{number}"},
            }
            for number in (2, 3)
        ],
    }


def _bring_experiment(database: Database, details: Row) -> str:
    marked = details | {"score_kind": "bool", "status": "running", "metadata": {"sample": True}}
    experiment_id = str(database.call("bring_experiment", details=marked))
    gather_runs(database, experiment_id)
    return experiment_id


def _decide(database: Database, experiment_id: str, variant: str, today: date) -> None:
    _score(database, experiment_id, TAG_SCORE, today)
    experiment = load_experiment(database, experiment_id)
    evaluation = evaluate(experiment)
    decide(database, experiment_id, variant, freeze(experiment, evaluation, evaluation.comparisons[0]))


def _score(database: Database, experiment_id: str, name: str, today: date) -> None:
    """Score the runs that the records made; code did it."""
    runs = {run.session for run in load_experiment(database, experiment_id).runs}
    scores = [
        SentRunScore(
            session=ticket.session,
            name=name,
            value=Decimal(ticket.has_right_tag if name == TAG_SCORE else ticket.has_right_answer),
        )
        for ticket in sample_tickets(today)
        if ticket.session in runs
    ]
    save_scores(database, experiment_id, scores)


def _list_invoices(today: date) -> Sequence[Invoice]:
    """Last month's usage of two providers, one billed with more than was used, and credits."""
    last = today.replace(day=1) - timedelta(days=1)
    spent = _sum_month(today, last)
    usage: dict[str, Any] = {"kind": "usage", "period": Period(last.replace(day=1), last)}
    openai = _make_invoice(
        ("openai", "OpenAI Ireland Ltd", 1), last, [Line("API usage", spent["openai"])], **usage
    )
    lines = [
        Line("gemini-3-pro, input and output", spent["google"]),
        Line("Context cache storage", UNEXPLAINED_USD),
    ]
    google = _make_invoice(("google", "Google Cloud EMEA Limited", 2), last, lines, **usage)
    bought = today - timedelta(days=CREDITS_AGE)
    credit = [Line("Prepaid credits", CREDITS_USD)]
    mistral = _make_invoice(("mistral", "Mistral AI", 3), bought, credit, kind="credits")
    return openai, google, mistral


def _make_invoice(
    of: tuple[str, str, int], day: date, lines: Sequence[Line], kind: Kind, period: Period | None = None
) -> Invoice:
    provider, seller, number = of
    net = sum((line.amount for line in lines), Decimal(0))
    tax = Decimal(0) if kind == "credits" else (net * TAX).quantize(Decimal("0.01"))
    return Invoice(
        seller=seller,
        number=NUMBER.format(number),
        kind=kind,
        provider=provider,
        issued_on=day,
        currency="USD",
        total=net + tax,
        lines=lines,
        tax=tax,
        period=period,
        paid_on=day,
        card_last_four="4242",
    )


def _sum_month(today: date, last: date) -> dict[str, Decimal]:
    """Sums by provider of what was used in the month of a day, to the cent."""
    sums: dict[str, Decimal] = {}
    for record in sample_data.sample_records(today):
        if record.timestamp.date().replace(day=1) == last.replace(day=1):
            sums[record.provider] = sums.get(record.provider, Decimal(0)) + (record.cost_usd or Decimal(0))
    return {provider: cost.quantize(Decimal("0.01")) for provider, cost in sums.items()}
