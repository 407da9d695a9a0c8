"""Figures of the versions of prompts in a period, with intervals, and one version against another."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from tally.statistics.costs import compare_cost_samples, cost_interval
from tally.statistics.intervals import MIN_RUNS, Interval, Ratio, TooFew
from tally.statistics.quality import rate_interval
from tally.statistics.samples import Sample, from_powers
from tally.storage.database import Database

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class VersionFigures:
    """Calls of a version. `number` is None where it is not registered, or calls name none: `told` is empty.

    `priced` calls have a known cost, `records` is how many statements told the calls, `errors` of them
    failed, and `timed` of those that went well tell how long they took.
    """

    prompt: str
    number: int | None
    told: str
    calls: int
    records: int
    cost_usd: Decimal
    priced: int
    unpriced: int
    tokens: int
    input_tokens: int
    output_tokens: int
    errors: int
    timed: int
    costs: Sample | None
    sizes: Sample | None
    latency_ms: tuple[int, int, int, int] | None  # low, median, high, 95th percentile
    first_at: datetime
    last_at: datetime
    model_name: str

    @property
    def name(self) -> str:
        """The version as people call it."""
        return f"v{self.number}" if self.number is not None else self.told or "without a version"

    @property
    def usd_per_call(self) -> Decimal | None:
        """The mean cost of a call with a known cost."""
        return self.cost_usd / self.priced if self.priced else None

    @property
    def cost_interval(self) -> Interval | TooFew:
        """The mean cost of a call, with its 95% interval."""
        return _interval_of(self.costs)

    @property
    def token_interval(self) -> Interval | TooFew:
        """The mean of a call's tokens, with its 95% interval."""
        return _interval_of(self.sizes)

    @property
    def latency_interval(self) -> Interval | TooFew:
        """The median latency in milliseconds, with its 95% interval."""
        if self.latency_ms is None or self.timed < MIN_RUNS:
            return _too_few(self.timed)
        low, median, high, _ = self.latency_ms
        return Interval(median, low, high)

    @property
    def error_interval(self) -> Interval | TooFew:
        """The share of calls that failed, with its 95% interval."""
        if self.records < MIN_RUNS:
            return _too_few(self.records)
        return rate_interval(self.errors, self.records)


class PromptDay(NamedTuple):
    """Calls of a day, of one version where the figures are of one prompt."""

    prompt: str
    number: int | None
    told: str
    day: date
    calls: int
    cost_usd: Decimal
    priced: int


class PromptSums(NamedTuple):
    """The sums of a prompt."""

    calls: int
    cost_usd: Decimal
    priced: int

    @property
    def usd_per_call(self) -> Decimal | None:
        """The mean cost of a call with a known cost."""
        return self.cost_usd / self.priced if self.priced else None


@dataclass(frozen=True, slots=True)
class PromptFigures:
    """Figures of a period: versions, newest first, days, and each prompt in the period before."""

    first: date
    last: date
    versions: tuple[VersionFigures, ...]
    days: tuple[PromptDay, ...]
    before: Mapping[str, PromptSums]

    def sum_up(self) -> dict[str, PromptSums]:
        """The sums of each prompt."""
        sums: defaultdict[str, PromptSums] = defaultdict(lambda: PromptSums(0, ZERO, 0))
        for one in self.versions:
            so_far = sums[one.prompt]
            sums[one.prompt] = PromptSums(
                so_far.calls + one.calls, so_far.cost_usd + one.cost_usd, so_far.priced + one.priced
            )
        return dict(sums)

    def of(self, prompt: str) -> list[VersionFigures]:
        """The versions of a prompt that were called."""
        return [one for one in self.versions if one.prompt == prompt]

    def costs_by_day(self, prompt: str) -> list[Decimal | None]:
        """The cost of a call on each day of the period; None on days without one."""
        known = {day.day: day for day in self.days if day.prompt == prompt and day.priced}
        return [
            known[day].cost_usd / known[day].priced if day in known else None
            for day in list_days(self.first, self.last)
        ]


def list_days(first: date, last: date) -> list[date]:
    """The days of a period."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def load_figures(
    database: Database, first: date, last: date, project: str | None = None, prompt: str | None = None
) -> PromptFigures:
    """Figures of up to 400 days, of all prompts or one; raises DatabaseError, also for too many calls."""
    asked: dict[str, Any] = {"from_date": first.isoformat(), "to_date": last.isoformat()}
    if project is not None:
        asked["project"] = project
    if prompt is not None:
        asked["prompt"] = prompt
    return read_figures(first, last, database.call("prompt_figures", **asked))


def read_figures(first: date, last: date, row: Mapping[str, Any]) -> PromptFigures:
    """Read what the database answers."""
    return PromptFigures(
        first,
        last,
        tuple(map(_read_version, row["versions"])),
        tuple(
            PromptDay(
                day["prompt"],
                day["number"],
                day["told"] or "",
                date.fromisoformat(day["day"]),
                day["calls"],
                Decimal(day["cost_usd"] or 0),
                day["priced"],
            )
            for day in row["days"]
        ),
        {
            sums["prompt"]: PromptSums(sums["calls"], Decimal(sums["cost_usd"] or 0), sums["priced"])
            for sums in row["before"]
        },
    )


def compare_versions(base: VersionFigures, other: VersionFigures) -> Ratio | TooFew:
    """The cost of a call of one version over that of another."""
    if base.costs is None or other.costs is None:
        return _too_few(0)
    return compare_cost_samples(base.costs, other.costs)


def find_news(figures: PromptFigures) -> tuple[VersionFigures, VersionFigures, Ratio] | None:
    """The newest version that surely costs another amount than the one before; None without one."""
    found = []
    for prompt in {one.prompt for one in figures.versions}:
        if (pair := find_newest_pair(figures.of(prompt))) is not None:
            ratio = compare_versions(*pair)
            if isinstance(ratio, Ratio) and not ratio.is_dominated and not ratio.low <= 1 <= ratio.high:
                found.append((*pair, ratio))
    return max(found, key=lambda one: (one[1].first_at, one[1].prompt), default=None)


def find_newest_pair(versions: Iterable[VersionFigures]) -> tuple[VersionFigures, VersionFigures] | None:
    """The two newest versions that were called, the older one first."""
    numbered = sorted(
        (one for one in versions if one.number is not None), key=lambda one: one.number or 0, reverse=True
    )
    return (numbered[1], numbered[0]) if len(numbered) > 1 else None


def _read_version(row: Mapping[str, Any]) -> VersionFigures:
    latency = row["latency_ms"]
    return VersionFigures(
        prompt=row["prompt"],
        number=row["number"],
        told=row["told"] or "",
        calls=row["calls"],
        records=row["records"],
        cost_usd=Decimal(row["cost_usd"] or 0),
        priced=row["priced"],
        unpriced=row["unpriced"],
        tokens=int(row["tokens"]),
        input_tokens=int(row["input_tokens"]),
        output_tokens=int(row["output_tokens"]),
        errors=row["errors"],
        timed=row["timed"],
        costs=_read_sample(row["costs"], row["usd_powers"], row["most_usd"]),
        sizes=_read_sample(row["sizes"], row["token_powers"], row["most_tokens"]),
        latency_ms=None if latency is None or None in latency else tuple(latency),
        first_at=datetime.fromisoformat(row["first_at"]),
        last_at=datetime.fromisoformat(row["last_at"]),
        model_name=row["model_name"],
    )


def _read_sample(count: int, powers: Sequence[str | None], largest: str | None) -> Sample | None:
    if not count or largest is None:
        return None
    return from_powers(count, [Fraction(power or 0) for power in powers], Fraction(largest))


def _interval_of(sample: Sample | None) -> Interval | TooFew:
    return _too_few(0) if sample is None else cost_interval(sample)


def _too_few(runs: int) -> TooFew:
    return TooFew(f"{runs} calls, and {MIN_RUNS} are needed")
