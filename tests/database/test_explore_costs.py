"""explore_costs: groups that are the plain sums of what the caller may know, by any dimensions and times."""

import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pandas as pd
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.figures.spend import _metered, select_money
from tally.core.dimensions import DIMENSIONS
from tests.database.teams import COLLEAGUES, Team, make_team
from tests.database.test_saving import record
from tests.database_fixtures import Connection, Project

FIRST, DAYS = date(2026, 3, 25), 9  # in Europe clocks change within them
ZONES = ("UTC", "Asia/Kolkata", "Europe/Berlin", "Atlantic/Azores", "America/Los_Angeles")
COLUMNS = {
    "provider": "provider",
    "model": "model_name",
    "charge_type": "charge_type",
    "cost_basis": "cost_basis",
    "source": "import_id",
    "billing_account": "billing_account",
}
DIMENSION_KEYS = {name: dimension.keys for name, dimension in DIMENSIONS.items()} | {
    "api_key": ("api_key", "api_key_id", "api_key_name")
}
CLASSES = ("input", "cache_read", "cache_write", "output", "reasoning", "other")
EVERY_DIMENSION = (*COLUMNS, "project", "person", *DIMENSION_KEYS, "tag", "token_class")
MEASURES = (
    *("spend", "value", "tokens", "requests", "cached_requests", "cost_per_request", "cache_savings"),
    *(f"{name}_tokens" for name in CLASSES if name != "other"),
)
GRANULARITIES = ("none", "hour", "day", "week", "month", "weekday", "hour_of_day", "weekday_hour")
HOURS = ("hour", "hour_of_day", "weekday_hour")
PRICES = [
    {"provider": "openai", "model": "gpt-5", "from": "2020-01-01", "usd_per_mtok": "1.125"},
    {"provider": "openai", "model": "gpt-5", "from": "2026-03-28", "usd_per_mtok": "0.9"},
    {"provider": "anthropic", "model": "claude", "from": "2026-03-29", "usd_per_mtok": "2.7"},
]
ROWS = """
select r.user_id, r.project_id, r.timestamp, r.day, p.name as provider, r.model_name, r.cost_basis,
    r.charge_type, r.import_id, r.billing_account, r.cost_usd, r.tokens_used, r.input_tokens, r.output_tokens,
    r.cached_input_tokens, r.cache_write_tokens, r.reasoning_tokens, r.request_count, r.metadata
from public.effective_records as r
inner join public.providers as p on r.provider_id = p.id"""
LONG = "x" * 199 + " y"  # is shortened within
HIDDEN = ("hidden", None)

Key = tuple[str, str | None]
Row = dict[str, Any]


@dataclass(frozen=True)
class Scene:
    """A workspace with records of several people, in projects of which one is private."""

    database: Connection
    team: Team
    projects: dict[str, UUID]

    @cached_property
    def rows(self) -> list[Row]:
        """The records as they count."""
        cursor = self.database.execute(ROWS)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, values, strict=True)) for values in cursor]


@dataclass(frozen=True)
class Asked:
    """A question, and whose it is."""

    reader: str
    split: str
    zone: str
    measure: str
    by: tuple[str, ...]
    filters: dict[str, list[str | None]]
    granularity: str
    days: tuple[date, date]
    top: int
    rates: list[Decimal] | None

    def put(self, scene: Scene, function: str = "explore_costs") -> Any:
        """The answer of a function that takes questions."""
        [[answer]] = (
            scene.team[self.reader]
            .connection.execute(
                f"""select public.{function}(
                %s, %s, %s::text[], %s::jsonb, %s, %s, %s, %s, %s::numeric[], %s::jsonb)""".encode(),
                [
                    *(scene.team.id, self.measure, list(self.by), json.dumps(self.filters), *self.days),
                    *(self.granularity, self.top, self.rates, json.dumps(PRICES)),
                ],
            )
            .fetchall()
        )
        return answer


@dataclass
class Sums:
    """Figures of a group; `per` are the requests that the amount of a cost per request is of."""

    amount: Decimal = Decimal(0)
    per: int = 0
    requests: int = 0
    records: int = 0
    unpriced: int = 0
    at: dict[Any, tuple[Decimal, int]] = field(default_factory=dict)

    def add(self, other: "Sums", at: Any = None) -> None:
        self.amount += other.amount
        self.per += other.per
        self.requests += other.requests
        self.records += other.records
        self.unpriced += other.unpriced
        for when, (amount, per) in (other.at or {at: (other.amount, other.per)}).items():
            before = self.at.get(when, (Decimal(0), 0))
            self.at[when] = before[0] + amount, before[1] + per


@pytest.fixture(scope="module")
def scene(module_project: Project) -> Iterator[Scene]:
    with module_project.connect() as database:
        yield make_scene(module_project, database)


def make_scene(project: Project, database: Connection) -> Scene:
    """A team whose days are in the daily view, changed since, or folded into it."""
    team = make_team(project, database, *COLLEAGUES)
    admin = team["admin"]
    projects = {
        "web": admin.add_project("web"),
        "secret": admin.add_project("secret", is_private=True),
    }
    chance = random.Random(16)
    for state in ("clean", "folded", "stale"):
        for name in ("ann", "bob", "admin"):
            sources = [None, team[name].add_source(name="one"), team[name].add_source(name="two")]
            for source in sources:
                team[name].save(source, *make_records(chance))
        scatter(database, projects, chance)
        if state == "clean":
            database.execute("select public.refresh_cost_records_daily(false)")
        elif state == "folded":
            database.execute("select public.fold_stale_days()")
        # The next ones touch a few days only.
    return Scene(database, team, projects)


def make_records(chance: random.Random) -> Iterator[Row]:
    first_day = chance.randrange(DAYS - 1)
    for _ in range(18):
        basis = chance.choice(["billed", "estimated", "estimated", "included"])
        cached, written, uncached, reasoning, visible = (chance.choice([0, 0, 7, 40]) for _ in range(5))
        has_tokens = chance.random() < 0.7
        names: Row = {
            key: chance.choice(["a", "b", " c ", "", " ", LONG])
            for keys in DIMENSION_KEYS.values()
            for key in keys
            if chance.random() < 0.5
        }
        if chance.random() < 0.7:
            names["tags"] = chance.choice([["x"], ["x", "y", "x"], [], "z", ["y", ""], None])
        if chance.random() < 0.3:
            names["tag"] = chance.choice(["x", "w"])
        moment = datetime.fromisoformat("2026-03-24T12:00:00+00:00") + timedelta(
            days=chance.choice([first_day, first_day + 1, chance.randrange(DAYS)]),
            minutes=30 * chance.randrange(48),
        )
        if is_failed := basis != "billed" and chance.random() < 0.15:
            names["inference"] = {"status": chance.choice(["error", "timeout", "rate_limited"])}
        elif chance.random() < 0.1:
            names["inference"] = {"status": "ok"}
        has_no_cost = is_failed or (basis != "billed" and chance.random() < 0.1)
        is_hit = not has_no_cost and chance.random() < 0.15
        if is_hit or chance.random() < 0.05:
            names["cache_hit"] = chance.choice([True, True, True, False, "yes"])
            names["cache_saved_usd"] = chance.choice(["0.25", "3", "0.0000000001", "", "1e3", "-1", None, 7])
        yield record(
            provider=(provider := chance.choice(["openai", "anthropic", "mistral"])),
            model_name=chance.choice({"openai": ["gpt-5", "gpt-4o"]}.get(provider, ["claude"])),
            **({"day": str(moment.date())} if chance.random() < 0.2 else {"timestamp": moment.isoformat()}),
            cost_usd=None if has_no_cost else "0" if is_hit else f"{chance.randint(0, 9)}.25",
            cost_basis=basis,
            charge_type=chance.choice(["usage"] * 6 + ["subscription", "tax", "credit"]),
            tokens_used=(cached + written + uncached + reasoning + visible) * has_tokens
            + chance.choice([0, 0, 3]),
            input_tokens=(cached + written + uncached) * has_tokens,
            cached_input_tokens=cached * has_tokens,
            cache_write_tokens=written * has_tokens,
            output_tokens=(reasoning + visible) * has_tokens,
            reasoning_tokens=reasoning * has_tokens,
            request_count=chance.choice([0, 1, 1, 2]),
            billing_account=chance.choice([None, "openai:@a", "openai:@b"]),
            metadata=names,
        )


def is_unpriced(row: Row) -> bool:
    """Check whether money is missing: a call that failed without tokens costs nothing."""
    is_failed = row["metadata"].get("inference", {}).get("status", "ok") != "ok"
    return row["cost_usd"] is None and not (is_failed and row["tokens_used"] == 0)


def is_answer(row: Row) -> bool:
    """Check whether a cache of a gateway answered."""
    return row["metadata"].get("cache_hit") is True and row["cost_usd"] == 0


def saved_by_answer(row: Row) -> Decimal:
    """What such an answer saved; 0 where nobody knows."""
    told = str(row["metadata"].get("cache_saved_usd"))
    return Decimal(told) if is_answer(row) and re.fullmatch(r"[0-9]+([.][0-9]+)?", told) else Decimal(0)


def scatter(database: Connection, projects: dict[str, UUID], chance: random.Random) -> None:
    """Projects for the new records, and figures that are not effective."""
    query = "select id from public.cost_records where project_chosen_by is null order by source_key"
    ids = [key for (key,) in database.execute(query)]
    chosen = [chance.choice([None, *projects.values()]) for _ in ids]
    flags = [(chance.random() < 0.9, chance.random() < 0.9) for _ in ids]
    database.execute(
        """update public.cost_records as r
        set project_id = c.project_id, project_chosen_by = 'person', money_is_effective = c.money,
            tokens_are_effective = c.tokens
        from unnest(%s::uuid[], %s::uuid[], %s::boolean[], %s::boolean[]) as c (id, project_id, money, tokens)
        where r.id = c.id""",
        [ids, chosen, [money for money, _ in flags], [tokens for _, tokens in flags]],
    )


class Reference:
    """The answer to a question, added up in Python."""

    def __init__(self, scene: Scene, asked: Asked) -> None:
        self.asked, self.scene = asked, scene
        self.me = scene.team[asked.reader].id
        self.is_admin = asked.reader in ("owner", "admin")
        self.zone = ZoneInfo(asked.zone)
        self.rows = [row for row in scene.rows if self.counts(row)]
        self.metered = self.find_metered() if asked.measure == "cost_per_request" else set()

    def is_readable(self, row: Row) -> bool:
        if self.is_admin or row["user_id"] == self.me:
            return True
        return self.asked.split == "everyone" and row["project_id"] != self.scene.projects["secret"]

    def clock(self, row: Row) -> datetime:
        if row["day"]:
            return datetime.combine(row["day"], time(), self.zone)
        moment: datetime = row["timestamp"]
        return moment.astimezone(self.zone)

    def counts(self, row: Row) -> bool:
        first, last = self.asked.days
        if not first <= self.clock(row).date() <= last:
            return False
        if self.asked.split == "own" and not self.is_admin and row["user_id"] != self.me:
            return False
        return all(
            set(chosen) & self.filterable(row, dimension)
            for dimension, chosen in self.asked.filters.items()
            if dimension != "token_class"
        )

    def filterable(self, row: Row, dimension: str) -> set[str | None]:
        return {value for kind, value in self.keys(row, dimension) if kind != "hidden"}

    def keys(self, row: Row, dimension: str) -> list[Key]:
        """The keys of a row: of tags several."""
        if dimension in ("provider", "model", "charge_type", "cost_basis"):
            return [("value", row[COLUMNS[dimension]])]
        if dimension == "project":
            is_hidden = not self.is_admin and row["project_id"] == self.scene.projects["secret"]
            return [HIDDEN if is_hidden else key_of(row["project_id"])]
        if not self.is_readable(row):
            return [HIDDEN]
        if dimension == "tag":
            return [key_of(tag) for tag in tags_of(row["metadata"])] or [key_of(None)]
        if dimension in COLUMNS:
            return [key_of(row[COLUMNS[dimension]])]
        if dimension == "person":
            return [key_of(row["user_id"])]
        found = (str(row["metadata"].get(key) or "").strip() for key in DIMENSION_KEYS[dimension])
        return [key_of(next(filter(None, (name[:200] for name in found)), None))]

    def at(self, row: Row) -> Any:
        clock, name = self.clock(row), self.asked.granularity
        if name in HOURS and not self.is_readable(row):
            return None
        if name in HOURS and row["day"]:
            return "day"
        day = clock.date()
        return {
            "none": None,
            "hour": clock.strftime("%Y-%m-%dT%H:00"),
            "day": str(day),
            "week": str(day - timedelta(days=day.weekday())),
            "month": str(day.replace(day=1)),
            "weekday": day.isoweekday(),
            "hour_of_day": clock.hour,
            "weekday_hour": day.weekday() * 24 + clock.hour,
        }[name]

    def find_metered(self) -> set[tuple[date, str, str]]:
        """Days of models whose money and requests are each other's, as the Overview has them."""
        daily = pd.DataFrame(
            [
                {
                    "date": self.clock(row).date(),
                    "provider": row["provider"],
                    "model": row["model_name"],
                    "cost_basis": row["cost_basis"],
                    "charge_type": row["charge_type"],
                    "cost": float(row["cost_usd"] or 0),
                    "requests": row["request_count"],
                    "amount": None if row["cost_usd"] is None else float(row["cost_usd"]),
                    "unpriced_records": int(is_unpriced(row)),
                }
                for row in self.rows
            ]
        )
        if daily.empty:
            return set()
        keys = ["date", "provider", "model", "cost_basis", "charge_type"]
        found = _metered(select_money(daily.groupby(keys, as_index=False).sum(min_count=1)))
        return set(found[["date", "provider", "model"]].itertuples(index=False, name=None))

    def rate(self, row: Row) -> Decimal:
        if self.asked.rates is None:
            return Decimal(1)
        return self.asked.rates[(self.clock(row).date() - self.asked.days[0]).days]

    def measure(self, row: Row, token_class: str | None) -> Sums:
        """The figures of a row, or of one class of its tokens."""
        measure, cost = self.asked.measure, row["cost_usd"]
        sums = Sums(requests=row["request_count"], records=1, unpriced=int(is_unpriced(row)))
        is_money = row["cost_basis"] != "included"
        if measure == "value":
            sums.amount = (cost or Decimal(0)) * self.rate(row)
        elif measure in ("spend", "cost_per_request"):
            is_usage = is_money and (measure == "spend" or row["charge_type"] == "usage")
            sums.unpriced *= is_usage
            day = (self.clock(row).date(), row["provider"], row["model_name"])
            if is_usage and (measure == "spend" or day in self.metered):
                sums.amount = (cost or Decimal(0)) * self.rate(row)
                sums.per = row["request_count"]
        elif measure == "requests":
            sums.amount = Decimal(row["request_count"])
        elif measure == "cached_requests":
            is_cached = row["cached_input_tokens"] > 0 or is_answer(row)
            sums.unpriced *= is_cached
            sums.amount = Decimal(row["request_count"] * is_cached)
        elif measure == "cache_savings":
            sums.unpriced = 0
            of_tokens = row["cached_input_tokens"] * self.saved(row) / 1_000_000
            sums.amount = (of_tokens + saved_by_answer(row)) * self.rate(row)
        else:
            classes = split_tokens(row)
            chosen = (
                [token_class]
                if token_class
                else [*filter(None, self.asked.filters.get("token_class", CLASSES))]
            )
            if measure != "tokens":
                chosen = [measure.removesuffix("_tokens")]
            sums.amount = Decimal(sum(classes[name] for name in chosen))
        return sums

    def saved(self, row: Row) -> Decimal:
        return self.price(row["provider"], row["model_name"], self.clock(row).date()) or Decimal(0)

    def price(self, provider: str, model: str, day: date) -> Decimal | None:
        found = [
            Decimal(price["usd_per_mtok"])
            for price in PRICES
            if (price["provider"], price["model"]) == (provider, model) and price["from"] <= str(day)
        ]
        return found[-1] if found else None

    def add_up(self) -> tuple[Sums, dict[tuple[Key, ...], Sums]]:
        """The total, and the groups."""
        total, groups = Sums(), defaultdict[tuple[Key, ...], Sums](Sums)
        for row in self.rows:
            total.add(self.measure(row, None))
            for keys, token_class in self.combine(row):
                measured = self.measure(row, token_class)
                if token_class is None or self.has_tokens(row, token_class):
                    groups[keys].add(measured, self.at(row))
        return total, dict(groups)

    def has_tokens(self, row: Row, token_class: str) -> bool:
        return split_tokens(row)[token_class] != 0

    def combine(self, row: Row) -> Iterator[tuple[tuple[Key, ...], str | None]]:
        """The keys of the groups that a row is in."""
        found: list[tuple[tuple[Key, ...], str | None]] = [((), None)]
        for dimension in self.asked.by:
            if dimension == "token_class":
                classes = self.asked.filters.get("token_class") or CLASSES
                found = [((*keys, ("value", name)), name) for keys, _ in found for name in classes if name]
            else:
                found = [((*keys, key), name) for keys, name in found for key in self.keys(row, dimension)]
        yield from found


def key_of(value: object) -> Key:
    return ("none", None) if value is None else ("value", str(value))


def tags_of(metadata: Row) -> list[str]:
    tags = metadata["tags"] if "tags" in metadata and metadata["tags"] != [] else metadata.get("tag")
    return sorted({tag for tag in (tags if isinstance(tags, list) else [tags]) if tag})


def split_tokens(row: Row) -> dict[str, int]:
    read, written, reasoning = (
        row[name] for name in ("cached_input_tokens", "cache_write_tokens", "reasoning_tokens")
    )
    return {
        "input": row["input_tokens"] - read - written,
        "cache_read": read,
        "cache_write": written,
        "output": row["output_tokens"] - reasoning,
        "reasoning": reasoning,
        "other": row["tokens_used"] - row["input_tokens"] - row["output_tokens"],
    }


def fold(asked: Asked, groups: dict[tuple[Key, ...], Sums]) -> dict[tuple[Key, ...] | None, Sums]:
    """The first groups in their order, those without names, and the rest as one under None."""
    named = [keys for keys in groups if any(kind == "value" for kind, _ in keys)]
    named.sort(key=lambda keys: (-groups[keys].amount, [(value or "").encode() for _, value in keys], keys))
    rest = set(named[asked.top :])
    found: dict[tuple[Key, ...] | None, Sums] = {
        keys: sums for keys, sums in groups.items() if keys not in rest
    }
    for keys in rest:
        found.setdefault(None, Sums()).add(groups[keys])
    return found


def figure(asked: Asked, amount: Decimal, per: int) -> Decimal | None:
    if asked.measure == "cost_per_request":
        return round(amount / per, 8) if per else None
    return round(amount, 8)


def read_figure(text: str | None) -> Decimal | None:
    return None if text is None else round(Decimal(text), 8)


def read_parts(asked: Asked, answer: Any) -> dict[Any, tuple[Any, ...]]:
    parts = {}
    for place, part in enumerate(answer["parts"]):
        keys = tuple((key["kind"], key["value"]) for key in part["keys"])
        points = {
            at: read_figure(value)
            for of, at, value in zip(*answer["points"].values(), strict=True)
            if of == place
        }
        parts[None if part["kind"] == "rest" else keys] = (
            read_figure(part["value"]),
            points,
            *((part["requests"], part["records"]) if is_counted(asked) else ()),
            *((part["unpriced_records"],) if is_counted(asked) and asked.measure != "cache_savings" else ()),
        )
    return parts


def is_counted(asked: Asked) -> bool:
    """Requests are in several classes of tokens."""
    return "token_class" not in asked.by


def expect_parts(asked: Asked, found: dict[Any, Sums]) -> dict[Any, tuple[Any, ...]]:
    return {
        keys: (
            figure(asked, sums.amount, sums.per),
            {at: figure(asked, *point) for at, point in sums.at.items()}
            if asked.granularity != "none"
            else {},
            *((sums.requests, sums.records) if is_counted(asked) else ()),
            *((sums.unpriced,) if is_counted(asked) and asked.measure != "cache_savings" else ()),
        )
        for keys, sums in found.items()
    }


@st.composite
def questions(draw: st.DrawFn, scene: Scene) -> Asked:
    measure = draw(st.sampled_from(MEASURES))
    dimensions = [name for name in EVERY_DIMENSION if measure == "tokens" or name != "token_class"]
    values: dict[str, list[str | None]] = {
        "provider": ["openai", "mistral", "unheard-of"],
        "model": ["gpt-5", "claude"],
        "project": [str(scene.projects["web"]), str(scene.projects["secret"]), None],
        "person": [str(scene.team["ann"].id), str(scene.team["bob"].id), None],
        "source": [*{str(row["import_id"]) for row in scene.rows if row["import_id"]}, None],
        "billing_account": ["openai:@a", None],
        "charge_type": ["usage", "tax"],
        "cost_basis": ["billed", "included"],
        "token_class": list(CLASSES),
        "tag": ["x", "w", None],
    }
    filtered = draw(st.lists(st.sampled_from(dimensions), max_size=2, unique=True))
    first, last = sorted(draw(st.lists(st.integers(-1, DAYS), min_size=2, max_size=2)))
    days = (FIRST + timedelta(days=first), FIRST + timedelta(days=last))
    return Asked(
        reader=draw(st.sampled_from(COLLEAGUES)),
        split=draw(st.sampled_from(["own", "admins", "everyone"])),
        zone=draw(st.sampled_from(ZONES)),
        measure=measure,
        by=tuple(draw(st.lists(st.sampled_from(dimensions), max_size=2, unique=True))),
        filters={
            name: draw(
                st.lists(
                    st.sampled_from(values.get(name, ["a", "c", LONG[:200], None])),
                    min_size=1,
                    max_size=2,
                    unique=True,
                )
            )
            for name in filtered
        },
        granularity=draw(st.sampled_from(GRANULARITIES)),
        days=days,
        top=draw(st.sampled_from([0, 1, 3, 50])),
        rates=draw(
            st.none() | st.just([Decimal(n % 3 + 1) / 2 for n in range((days[1] - days[0]).days + 1)])
        ),
    )


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_groups_are_the_plain_sums_of_what_the_caller_may_know(scene: Scene, data: st.DataObject) -> None:
    asked = data.draw(questions(scene))
    scene.database.execute(
        "update public.workspaces set person_split = %s, timezone = %s where id = %s",
        [asked.split, asked.zone, scene.team.id],
    )
    answer = asked.put(scene)
    total, groups = Reference(scene, asked).add_up()
    assert read_parts(asked, answer) == expect_parts(asked, fold(asked, groups))
    assert answer["groups"] == len(groups)
    found = answer["total"]
    assert read_figure(found["value"]) == figure(asked, total.amount, total.per)
    assert (found["requests"], found["records"]) == (total.requests, total.records)
    if asked.measure != "cache_savings":
        assert found["unpriced_records"] == total.unpriced


APRIL = {"from_date": "2026-04-20", "to_date": "2026-04-21", "filters": {}}
REFUSED = [
    ({"measure": "price"}, "Measure spend"),
    ({"by": ["colour"]}, 'no dimension "colour"'),
    ({"by": ["model'; drop table x --"]}, "no dimension"),
    ({"by": ["model", "tag", "project"]}, "at most two"),
    ({"by": ["model", "model"]}, "at most two"),
    ({"by": ["token_class"]}, "Only tokens have classes"),
    ({"granularity": "decade"}, "granularity is none"),
    ({"granularity": "day", "from_date": "2020-01-01"}, "1 to 1,100 days by day"),
    ({"granularity": "hour", "from_date": "2026-01-01"}, "1 to 45 days by hour"),
    ({"from_date": "2026-04-22"}, "Choose a period"),
    ({"top_n": 1001}, "0 to 1000 groups"),
    ({"top_n": 101, "granularity": "day"}, "0 to 100 groups"),
    ({"filters": {"colour": ["x"]}}, "no dimension"),
    ({"filters": {"model": "x"}}, "1 to 100 values"),
    ({"filters": {"model": []}}, "1 to 100 values"),
    ({"filters": {"model": ["x" * 301]}}, "1 to 100 values"),
    ({"filters": {"project": ["web"]}}, "by ids"),
    ({"filters": {"token_class": ["seen"]}, "measure": "tokens"}, "Classes of tokens"),
]


@pytest.mark.parametrize(("changes", "sentence"), REFUSED)
def test_questions_without_an_answer_are_refused(
    scene: Scene, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=sentence):
        ask(scene, "owner", **changes)


def ask(scene: Scene, reader: str, function: str = "explore_costs", **changes: Any) -> Any:
    named = APRIL | ({"measure": "spend", "by": []} if function == "explore_costs" else {}) | changes
    casts = {"by": "text[]", "filters": "jsonb"}
    given = [
        json.dumps(value) if isinstance(value, dict) else value for value in (scene.team.id, *named.values())
    ]
    arguments = ", ".join(
        f"{name} => %s::{casts[name]}" if name in casts else f"{name} => %s" for name in named
    )
    [[answer]] = (
        scene.team[reader]
        .connection.execute(f"select public.{function}(workspace => %s, {arguments})".encode(), given)
        .fetchall()
    )
    return answer


def test_strangers_are_refused(scene: Scene, module_project: Project) -> None:
    with (
        module_project.act_as("authenticated", UUID(int=7)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(
            "select public.explore_costs(%s, 'spend', '{}', '{}', '2026-05-01', '2026-05-02')",
            [scene.team.id],
        )


@pytest.mark.parametrize("value", ["'", "''; select 1 --", '"', "%", "$1", "\\", "a\x01"])
def test_values_are_never_part_of_the_query(scene: Scene, value: str) -> None:
    scene.team["ann"].save(
        None, record(timestamp="2026-04-20T12:00Z", cost_usd="3", metadata={"branch": value, "tags": [value]})
    )
    for dimension in ("branch", "tag"):
        answer = ask(scene, "ann", by=[dimension], filters={dimension: [value]})
        assert [part["keys"][0]["value"] for part in answer["parts"]] == [value]
        found = ask(scene, "ann", "explore_values", dimension=dimension, search=value)
        assert value in [choice["value"] for choice in found["values"]]


def test_what_the_counted_statement_leaves_out_is_told_by_another(scene: Scene) -> None:
    """The telemetry of an agent knows no branch; its log does."""
    ann = scene.team["ann"]
    both = {"request_id": "msg_1", "source_key": str(UUID(int=9)), "timestamp": "2026-04-10T12:00Z"}
    one, other = ann.add_source(name="one"), ann.add_source(name="other")
    ann.save(one, record(**both, cost_usd="2", tokens_used=9, metadata={"agent": "a"}))
    ann.save(other, record(**both, cost_usd="1", tokens_used=5, metadata={"branch": "main", "agent": "z"}))
    period: dict[str, Any] = {"from_date": "2026-04-10", "to_date": "2026-04-10"}
    [part] = ask(scene, "ann", by=["branch", "agent"], **period)["parts"]
    assert [key["value"] for key in part["keys"]] == ["main", "a"]
    chosen = ask(scene, "ann", by=["agent"], **period | {"filters": {"branch": ["main"]}})
    assert Decimal(chosen["total"]["value"]) == 2
    ann.call("set_source_enabled", other, False)
    [part] = ask(scene, "ann", by=["branch"], **period)["parts"]
    assert part["keys"] == [{"kind": "none", "value": None}]


def test_equal_groups_are_in_the_order_of_their_names(scene: Scene) -> None:
    names = ["openai", "mistral", "anthropic", "deepseek", "cohere"]
    period: dict[str, Any] = {"from_date": "2026-04-08", "to_date": "2026-04-08"}
    for name in names:
        scene.team["ann"].save(None, record(timestamp="2026-04-08T12:00Z", cost_usd="1", provider=name))
    for by, place in (["provider"], 0), (["agent", "provider"], 1):
        answer = ask(scene, "ann", by=by, top_n=3, **period)
        shown = [part["keys"][place]["value"] for part in answer["parts"] if part["kind"] == "value"]
        assert shown == sorted(names)[:3]


def test_groups_beyond_the_first_are_one_with_their_number(scene: Scene) -> None:
    records = [
        record(timestamp="2026-04-15T12:00Z", cost_usd=str(n), metadata={"session": f"s{n:04}"})
        for n in range(1, 1203)
    ]
    scene.team["ann"].save(None, *records)
    period = {"from_date": "2026-04-15", "to_date": "2026-04-15"}
    answer = ask(scene, "ann", by=["session", "model"], top_n=1000, **period)
    rest = answer["parts"][-1]
    assert (answer["groups"], len(answer["parts"])) == (1202, 1001)
    assert (rest["kind"], rest["groups"], rest["keys"]) == ("rest", 202, [])
    assert Decimal(rest["value"]) == sum(range(1, 203))
    found = ask(scene, "ann", "explore_values", dimension="session", search="S12", at_most=2, **period)
    assert [choice["value"] for choice in found["values"]] == ["s1202", "s1201"]
    assert found["more"] == 1


def test_values_are_those_that_the_caller_may_read(scene: Scene) -> None:
    scene.team["bob"].save(
        None, record(timestamp="2026-04-28T12:00Z", cost_usd="3", metadata={"customer": "acme"})
    )
    period = {"from_date": "2026-04-28", "to_date": "2026-04-28", "dimension": "customer"}
    scene.database.execute("update public.workspaces set person_split = 'admins'")
    found = {name: ask(scene, name, "explore_values", **period)["values"] for name in ("bob", "ann", "admin")}
    assert (
        [choice["value"] for choice in found["bob"]]
        == ["acme"]
        == [choice["value"] for choice in found["admin"]]
    )
    assert found["ann"] == []


SHARED_WORK = ("min_parallel_table_scan_size", "min_parallel_index_scan_size", "parallel_setup_cost")


@pytest.mark.parametrize("by", [("session", "agent"), ("tag", "provider"), ("branch", "person")])
def test_sums_of_several_processes_are_those_of_one(scene: Scene, by: tuple[str, ...]) -> None:
    reader = scene.team["ann"].connection
    days = FIRST, FIRST + timedelta(days=DAYS - 1)
    for measure in MEASURES:
        asked = Asked("ann", "everyone", "UTC", measure, by, {}, "day", days, 50, None)
        answers = []
        for processes in (0, 2):
            reader.execute(f"set max_parallel_workers_per_gather = {processes}".encode())
            for name in SHARED_WORK:
                reader.execute(f"set {name} = 0".encode())
            answers.append(asked.put(scene))
        assert answers[0] == answers[1], measure
        assert answers[0]["parts"], measure
    for name in (*SHARED_WORK, "max_parallel_workers_per_gather"):
        reader.execute(f"reset {name}".encode())
