"""An experiment with its variants, runs and scores, as `read_experiment` answers."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, NamedTuple, cast

Status = Literal["draft", "running", "decided", "archived"]
ScoreKind = Literal["bool", "rating", "number"]
GATHER_AFTER = timedelta(minutes=15)
GATHER_FEW_AFTER = timedelta(minutes=2)  # while people wait for its first runs
FEW_RUNS = 30  # of a variant: nothing is said about fewer
SCORERS = ("human", "code", "model")  # the first that scored a run is believed


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of doing it. Without a match its runs are brought from elsewhere."""

    id: str
    nth: int
    name: str
    is_baseline: bool
    match: Mapping[str, str]

    def describe(self) -> str:
        """Its match in words; empty without one."""
        parts = dict(self.match)
        version = parts.pop("prompt_version", "")
        prompt = parts.pop("prompt", "")
        shown = [f"prompt {prompt}" + (f", version {version}" if version else "")] if prompt else []
        return " · ".join(
            [parts.pop("model", ""), *shown, *(f"{key} {parts[key]}" for key in sorted(parts))]
        ).strip(" ·")


@dataclass(frozen=True, slots=True)
class Run:
    """A session of one variant. Without a cost it is unpriced, without a score not rated.

    `session` is empty where the account may only count the run: then it has a score of another one's.
    """

    id: str
    variant: int
    session: str
    item_key: str | None
    happened_at: datetime
    cost_usd: Decimal | None
    input_tokens: int | None
    output_tokens: int | None
    calls: int | None
    latency_ms: int | None
    ok: bool | None
    source: str
    score: Decimal | None = None
    scored_by: str = ""


class Unrated(NamedTuple):
    """A run that no person rated, of those that the account may only count."""

    id: str
    session: str
    item_key: str | None


@dataclass(frozen=True, slots=True)
class Experiment:
    """A question with its variants; `decision` is what was known when it was decided."""

    id: str
    name: str
    question: str
    status: Status
    project_id: str | None
    primary_score: str | None
    score_kind: ScoreKind
    margin: Decimal
    min_runs: int
    starts_at: datetime
    ends_at: datetime | None
    created_at: datetime
    created_by: str | None
    decided_variant: str | None
    decided_at: datetime | None
    decided_by: str | None
    decision: Mapping[str, Any] | None
    gathered: Mapping[str, Any]
    variants: tuple[Variant, ...]
    runs: tuple[Run, ...] = ()
    to_rate: tuple[Unrated, ...] = ()

    @property
    def baseline(self) -> Variant:
        """The variant that the others are compared with."""
        return next((one for one in self.variants if one.is_baseline), self.variants[0])

    @property
    def others(self) -> tuple[Variant, ...]:
        """The other variants."""
        return tuple(one for one in self.variants if one is not self.baseline)

    def is_outdated(self, now: datetime) -> bool:
        """True where its runs are to be gathered from the records again."""
        if not self.is_gathered:
            return False
        if self.gathered_at is None:
            return True
        is_young = any(len(self.runs_of(variant)) < FEW_RUNS for variant in self.variants)
        return now - self.gathered_at > (GATHER_FEW_AFTER if is_young else GATHER_AFTER)

    @property
    def is_gathered(self) -> bool:
        """True where its runs come from the records now."""
        return self.status == "running" and any(variant.match for variant in self.variants)

    @property
    def gathered_at(self) -> datetime | None:
        """The moment when its runs were gathered from the records last."""
        return _parse_instant(self.gathered.get("at"))

    @property
    def shown_runs(self) -> list[Run]:
        """The runs that the account may see one by one."""
        return [run for run in self.runs if run.session]

    def runs_of(self, variant: Variant) -> list[Run]:
        """The runs of a variant."""
        return [run for run in self.runs if run.variant == variant.nth]


def parse_experiment(answer: Mapping[str, Any]) -> Experiment:
    """The experiment of an answer of `read_experiment`."""
    row = answer["experiment"]
    scores = _choose_scores(answer["scores"], row["score_kind"])
    runs = (_parse_run(values) for values in answer["runs"])
    return Experiment(
        id=row["id"],
        name=row["name"],
        question=row["question"],
        status=cast(Status, row["status"]),
        project_id=row["project_id"],
        primary_score=row["primary_score"],
        score_kind=cast(ScoreKind, row["score_kind"]),
        margin=Decimal(row["margin"]),
        min_runs=row["min_runs"],
        starts_at=datetime.fromisoformat(row["starts_at"]),
        ends_at=_parse_instant(row["ends_at"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        created_by=row["created_by"],
        decided_variant=row["decided_variant"],
        decided_at=_parse_instant(row["decided_at"]),
        decided_by=row["decided_by"],
        decision=row["decision"],
        gathered=row["gathered"],
        variants=tuple(_parse_variant(variant) for variant in answer["variants"]),
        runs=tuple(
            replace(run, score=scores[run.id][0], scored_by=scores[run.id][1]) if run.id in scores else run
            for run in runs
        ),
        to_rate=tuple(Unrated(*run) for run in answer.get("to_rate", ())),
    )


def _choose_scores(rows: Sequence[Sequence[Any]], kind: str) -> dict[str, tuple[Decimal, str]]:
    """A run's score: the mean of the people who rated it, else what code says, else a model's.

    Of a pass or fail, what most of them say: a tie is no pass.
    """
    given: dict[str, dict[str, list[Decimal]]] = defaultdict(lambda: defaultdict(list))
    for run, row_kind, value, scored_by, _user in rows:
        if row_kind == kind:
            given[run][scored_by].append(Decimal(value))
    chosen = {}
    for run, by in given.items():
        scorer = next(one for one in SCORERS if one in by)
        mean = sum(by[scorer], Decimal(0)) / len(by[scorer])
        chosen[run] = (Decimal(mean > Decimal("0.5")) if kind == "bool" else mean, scorer)
    return chosen


def _parse_run(values: Sequence[Any]) -> Run:
    run, variant, session, item_key, at, cost, tokens_in, tokens_out, calls, latency, ok, source = values
    cost_usd = None if cost is None else Decimal(cost)
    happened_at = datetime.fromisoformat(at)
    return Run(
        run,
        variant,
        session,
        item_key,
        happened_at,
        cost_usd,
        tokens_in,
        tokens_out,
        calls,
        latency,
        ok,
        source,
    )


def _parse_variant(row: Mapping[str, Any]) -> Variant:
    return Variant(row["id"], row["nth"], row["name"], row["is_baseline"], row["match"])


def _parse_instant(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)
