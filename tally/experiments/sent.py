"""Runs and scores as files and programs send them: checked whole, before anything is saved."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from tally.core.encoding import MAX_COUNT
from tally.core.errors import TallyError
from tally.core.records import MAX_COST_USD
from tally.core.text import visible

MAX_RUNS = 20_000  # of one file or request
MAX_LATENCY_MS = 366 * 24 * 3600 * 1000
MAX_VALUE = 10**12
SHOWN = 5


class Faulty(TallyError):
    """Runs or scores that are not as described; `faults` has the place and the reason of each."""

    def __init__(self, faults: Sequence[dict[str, str]]) -> None:
        self.faults = list(faults)
        shown = "; ".join(f"{fault['field']}: {fault['fault']}" for fault in self.faults[:SHOWN])
        more = f"; and {len(self.faults) - SHOWN:,} more" if len(self.faults) > SHOWN else ""
        super().__init__(f"Nothing was saved. {shown}{more}.")


def _check_text(text: str) -> str:
    cleaned = visible(text)
    if "\x00" in text or not cleaned.strip():
        raise ValueError("is blank, or has a character that cannot be stored")
    return cleaned


Named = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_check_text)]
Key = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_check_text)]
Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
Finite = Annotated[Decimal, Field(allow_inf_nan=False, max_digits=30)]


class SentScore(BaseModel):
    """A score of a run."""

    model_config = ConfigDict(extra="forbid", title="Score")

    name: Named = Field(description="What is scored, such as policy_correct.")
    kind: Literal["bool", "rating", "number"] = "bool"
    value: Finite = Field(
        description="0 or 1, or false or true, for bool, 1 to 5 for a rating, else a number."
    )
    by: Literal["human", "code", "model"] = "code"

    @field_validator("value", mode="before")
    @classmethod
    def read_word(cls, value: Any, info: ValidationInfo) -> Any:
        """0 or 1 for the false and true of JSON."""
        return int(value) if isinstance(value, bool) and info.data.get("kind") == "bool" else value

    @model_validator(mode="after")
    def check_value(self) -> "SentScore":
        """A value that its kind has."""
        if self.kind == "bool" and self.value not in (0, 1):
            raise ValueError("a bool is 0 or 1")
        if self.kind == "rating" and not 1 <= self.value <= 5:
            raise ValueError("a rating is from 1 to 5")
        if abs(self.value) > MAX_VALUE:
            raise ValueError("the value is beyond 10^12")
        return self


class SentRunScore(SentScore):
    """A score with the run that it is of."""

    model_config = ConfigDict(extra="forbid", title="Score of a run")

    session: Key = Field(description="The run that it is of.")


class SentRun(BaseModel):
    """A run of a variant. Figures that are left out come from the records of the session, if it has any."""

    model_config = ConfigDict(extra="forbid", title="Run")

    variant: Named = Field(description="The name of its variant.")
    session: Key = Field(
        description="The session: a run is in one variant, and counts once however often it is sent."
    )
    item_key: Key | None = Field(default=None, description="The input that runs of several variants share.")
    happened_at: AwareDatetime | None = None
    cost_usd: Annotated[Decimal, Field(ge=0, lt=MAX_COST_USD, allow_inf_nan=False)] | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    calls: Count | None = None
    latency_ms: Annotated[int, Field(ge=0, le=MAX_LATENCY_MS)] | None = None
    ok: bool | None = None
    scores: list[SentScore] = Field(default_factory=list, max_length=50)


class SentRuns(BaseModel):
    """The body of a request that brings runs."""

    model_config = ConfigDict(extra="forbid", title="Runs")

    runs: list[SentRun] = Field(min_length=1, max_length=MAX_RUNS)


class SentScores(BaseModel):
    """The body of a request that brings scores of runs."""

    model_config = ConfigDict(extra="forbid", title="Scores")

    scores: list[SentRunScore] = Field(min_length=1, max_length=MAX_RUNS)


def parse_runs(rows: Sequence[tuple[str, Any]]) -> list[SentRun]:
    """The runs of rows with their places, such as "line 3"; raises Faulty naming each fault."""
    runs, faults = [], []
    for place, row in rows:
        try:
            runs.append(SentRun.model_validate(row))
        except ValidationError as error:
            faults += [fault | {"field": f"{place}, {fault['field']}"} for fault in describe_faults(error)]
    faults += find_clashes(runs) + find_repeats((run.session, score) for run in runs for score in run.scores)
    if faults:
        raise Faulty(faults)
    return runs


def find_clashes(runs: Iterable[SentRun]) -> list[dict[str, str]]:
    """Faults of runs that are in two variants."""
    variants: dict[str, str] = {}
    faults = []
    for run in runs:
        first = variants.setdefault(run.session, run.variant)
        if first != run.variant:
            reason = f"is in two variants, {first} and {run.variant}: a run is in one"
            faults.append({"field": f"run {run.session}", "fault": reason})
    return faults


def find_repeats(scores: Iterable[tuple[str, SentScore]]) -> list[dict[str, str]]:
    """Faults of scores that one run, by its session, has twice from the same source with different values."""
    values: dict[tuple[str, str, str], Decimal] = {}
    faults = []
    for session, score in scores:
        first = values.setdefault((session, score.name, score.by), score.value)
        if first != score.value:
            reason = f"is there twice, with {first:f} and {score.value:f}: send it once"
            faults.append({"field": f"run {session}, score {score.name}", "fault": reason})
    return faults


def describe_faults(error: ValidationError) -> list[dict[str, str]]:
    """The place and the reason of each fault, without what was sent."""
    return [
        {
            "field": ".".join(str(part) for part in fault["loc"])[:200] or "(whole)",
            "fault": fault["msg"].removeprefix("Value error, "),
        }
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def list_parameters(runs: Sequence[SentRun]) -> dict[str, list[dict[str, Any]]]:
    """The arguments of `save_runs`: runs, and their scores."""
    return {
        "runs": [run.model_dump(mode="json", exclude={"scores"}, exclude_none=True) for run in runs],
        "scores": [
            score.model_dump(mode="json") | {"session": run.session} for run in runs for score in run.scores
        ],
    }
