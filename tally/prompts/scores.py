"""Scores of the versions of prompts, which runs of experiments bring, with intervals."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, cast

from tally.statistics.intervals import MIN_RUNS, Interval, TooFew
from tally.statistics.power import needed_runs
from tally.statistics.quality import compare_mean_samples, compare_rates, mean_interval, rate_interval
from tally.statistics.samples import Sample, from_powers
from tally.storage.database import Database

Kind = Literal["bool", "rating", "number"]
RATINGS = 1.0, 5.0


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of runs by one name: of a version, or of all versions of a prompt together.

    `number` is None for a version that is not registered, and where a variant names none: `told` is empty.
    `margin` is how much worse counts as equally good: the smallest of the experiments that scored.
    """

    prompt: str
    number: int | None
    told: str
    name: str
    kind: Kind
    margin: Decimal
    scored: int
    powers: tuple[Fraction, ...]

    @property
    def mean(self) -> float:
        """The mean, or the share that passed."""
        return float(self.powers[0] / self.scored)

    @property
    def sample(self) -> Sample:
        """Their moments."""
        return from_powers(self.scored, self.powers, max(self.powers[0], Fraction(0)))

    @property
    def interval(self) -> Interval | TooFew:
        """The mean or the pass rate with its 95% interval."""
        if self.scored < MIN_RUNS:
            return TooFew(f"{self.scored} scored runs, and {MIN_RUNS} are needed")
        if self.kind == "bool":
            return rate_interval(int(self.powers[0]), self.scored)
        return mean_interval(self.sample, bounds=RATINGS if self.kind == "rating" else None)


@dataclass(frozen=True, slots=True)
class PromptScores:
    """All scores of a period."""

    all: tuple[Scores, ...]

    def of(self, prompt: str) -> list[Scores]:
        """Those of the score by which most runs of a prompt were scored, newest version first."""
        own = [one for one in self.all if one.prompt == prompt]
        counts: defaultdict[tuple[str, str], int] = defaultdict(int)
        for one in own:
            counts[one.name, one.kind] += one.scored
        if not counts:
            return []
        main = max(counts, key=lambda key: (counts[key], key))
        return [one for one in own if (one.name, one.kind) == main]

    def of_version(self, prompt: str, number: int | None, told: str) -> Scores | None:
        """The scores of a version, by its prompt's score."""
        return next((one for one in self.of(prompt) if (one.number, one.told) == (number, told)), None)

    def sum_up(self, prompt: str) -> Scores | None:
        """Those of all versions together; None for a prompt without scores."""
        own = self.of(prompt)
        if not own:
            return None
        return Scores(
            prompt,
            None,
            "",
            own[0].name,
            own[0].kind,
            min(one.margin for one in own),
            sum(one.scored for one in own),
            tuple(sum(column, Fraction(0)) for column in zip(*(one.powers for one in own), strict=True)),
        )


def load_scores(
    database: Database, first: date, last: date, project: str | None = None, prompt: str | None = None
) -> PromptScores:
    """Scores of up to 400 days, of all prompts or one; raises DatabaseError."""
    asked: dict[str, Any] = {"from_date": first.isoformat(), "to_date": last.isoformat()}
    if project is not None:
        asked["project"] = project
    if prompt is not None:
        asked["prompt"] = prompt
    return read_scores(database.call("prompt_scores", **asked))


def read_scores(rows: Sequence[Mapping[str, Any]]) -> PromptScores:
    """Read what the database answers."""
    return PromptScores(
        tuple(
            Scores(
                row["prompt"],
                row["number"],
                row["told"],
                row["name"],
                cast(Kind, row["kind"]),
                Decimal(row["margin"]),
                row["scored"],
                tuple(map(Fraction, row["powers"])),
            )
            for row in rows
        )
    )


def compare_scores(base: Scores, other: Scores) -> Interval | TooFew:
    """The score of one version less that of another, with its 95% interval."""
    if base.kind == "bool":
        passed = (int(one.powers[0]) for one in (base, other))
        return compare_rates(next(passed), base.scored, next(passed), other.scored)
    return compare_mean_samples(base.sample, other.sample)


def count_missing(base: Scores, other: Scores) -> int | None:
    """Scored runs that the smaller side still needs to show an equal pass rate; None for other scores."""
    if base.kind != "bool" or not 0 < base.margin < 1:
        return None
    fewest = min(base.scored, other.scored)
    return max(needed_runs(base.mean, float(base.margin)) - fewest, 0)
