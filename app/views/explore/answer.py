"""The answer to the page's question: costs of a period by group, and those that they are compared with."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from app import data
from app.auth.identity import User
from app.figures.explore_series import Moment, parse_moment, sum_by_moment
from app.figures.explore_view import ExploreView
from app.figures.explore_words import MEASURES, choose_granularity
from app.figures.exploring import Explored, Group, Question, find_last_year
from app.figures.shades import shade_groups
from app.formats.measures import format_measure
from app.ui import charts
from app.ui.periods import EARLIEST_DAY, OWN_DAYS, Period, preset_period
from app.ui.theme import Palette
from tally.core.known_days import KnownDays
from tally.storage.unnamed import UNASSIGNED

MOST_COMPARED = 50
MOST_REMEMBERED = 2000  # values of a grouping
STEPS = {"heatmap": "weekday_hour", "calendar": "day", "treemap": "none"}


@dataclass(frozen=True, slots=True)
class Answer:
    """The figures that a view asks for, and the same of an earlier period where there is one."""

    view: ExploreView
    period: Period
    now: Explored
    before: Explored | None
    currency: str
    begins: date | None = None  # the first day of all costs
    places: tuple[Mapping[str, int], ...] = ()  # of the values of each grouping, by which they keep colours

    @property
    def unit(self) -> str:
        """The unit of its amounts."""
        return MEASURES[self.view.measure].unit

    @property
    def has_archived(self) -> bool:
        """True if archived records are in it, which the analytics engine has still."""
        sources = [one.source for one in (self.now, self.before) if one]
        return all(source is not None and source.engine == "clickhouse" for source in sources)

    @property
    def granularity(self) -> str:
        """The step of its chart."""
        return self.now.question.granularity

    def show(self, amount: Decimal | float | None) -> str:
        """An amount as text."""
        return format_measure(amount, self.unit, self.currency)

    @property
    def known_before(self) -> KnownDays | None:
        """The days of the earlier period that are known; None without one."""
        if self.before is None:
            return None
        return KnownDays(self.before.question.first, self.before.question.last, self.begins)

    @property
    def is_compared(self) -> bool:
        """True if the earlier period is known from its first day on."""
        return self.known_before is not None and self.known_before.is_complete

    def points_of(self, place: int) -> dict[Moment, Decimal | None]:
        """The values of a group by step."""
        return {
            parse_moment(point.at): point.value
            for point in self.now.points
            if point.group == place and point.at is not None
        }

    def value_before(self, group: Group) -> Decimal | None:
        """The value of a group in the earlier period; 0 if it is new, None where that is not known."""
        if self.before is None or not self.is_compared:
            return None
        if group.kind == "all":
            return self.before.total.value
        known = {_identify(other): other.value for other in self.before.groups if other.kind == "value"}
        if group.kind != "value":
            return None
        is_complete = not any(other.kind == "rest" for other in self.before.groups)
        return known.get(_identify(group), Decimal(0) if is_complete else None)

    def colours(self, palette: Palette) -> list[str]:
        """The colour of each group: hue by the first grouping, shade by the second; the rest is grey.

        A group keeps its colour beside any others.
        """
        alone = [tuple(key.label for key in group.keys) for group in self.now.groups if group.kind != "rest"]
        hues = charts.own_colours(palette) if self.view.by[:1] == ("provider",) else {}
        labels = {group.keys[0].value: group.keys[0].label for group in self.now.groups if group.keys}
        named = {labels.get(slug, slug): colour for slug, colour in hues.items()}
        shades = iter(shade_groups(alone, named, palette.series, palette.surface, self.places))
        return [palette.other if group.kind == "rest" else next(shades) for group in self.now.groups]

    def remember(self, seen: dict[str, dict[str, int]]) -> "Answer":
        """The answer whose groups keep the colours that they had; `seen` are places by grouping and value."""
        for nth, dimension in enumerate(self.now.question.by):
            places = seen.setdefault(dimension, {})
            if len(places) > MOST_REMEMBERED:
                places.clear()
            for group in self.now.groups:
                if len(group.keys) > nth:
                    places.setdefault(group.keys[nth].label, len(places))
        return replace(self, places=tuple(seen[dimension] for dimension in self.now.question.by))


def find_period(view: ExploreView, today: date) -> Period:
    """The days of a view, up to today."""
    if view.chart == "calendar" and view.days is None:
        return preset_period("1Y", today)
    if view.days is None:
        return preset_period(view.preset, today)
    first, last = (min(max(day, EARLIEST_DAY), today) for day in view.days)
    return Period(first, last, OWN_DAYS)


def load_answer(user: User, view: ExploreView, project: data.Project | None, today: date) -> Answer:
    """Ask what a view asks; raises DatabaseError."""
    period = find_period(view, today)
    question = make_question(view, period, project)
    now = data.load_explored(user, question)
    earlier = find_earlier(view, period, question)
    before = None if earlier is None or not now.total.records else data.load_explored(user, earlier)
    begins = None if before is None else data.load_first_day(user)
    return Answer(view, period, now, before, data.load_currency(user).code, begins)


def make_question(view: ExploreView, period: Period, project: data.Project | None) -> Question:
    """The question of a view."""
    first = period.first or EARLIEST_DAY
    days = (period.last - first).days + 1
    return Question(
        first=first,
        last=period.last,
        measure=view.measure,
        by=() if view.chart in ("heatmap", "calendar") else view.by,
        granularity=STEPS.get(view.chart) or choose_granularity(view.per, days),
        filters=within(view, project).filters,
        top=view.top,
    )


def within(view: ExploreView, project: data.Project | None) -> ExploreView:
    """A view with the project that all pages show as one of its filters."""
    if project is None:
        return view
    return view.with_filter("project", (None if project.project_id == UNASSIGNED else project.project_id,))


def find_earlier(view: ExploreView, period: Period, question: Question) -> Question | None:
    """The same question of the period that a view is compared with."""
    wider = replace(question, top=MOST_COMPARED)
    if view.compared == "year" and period.first:
        return find_last_year(wider)
    if view.compared == "before" and period.before and period.before.first:
        return replace(wider, first=period.before.first, last=period.before.last)
    return None


def sum_before(answer: Answer) -> Mapping[Moment, Decimal]:
    """All of the earlier period by step."""
    if answer.before is None or answer.unit == "ratio":
        return {}
    points = answer.before.points
    return sum_by_moment((parse_moment(point.at), point.value) for point in points if point.at is not None)


def _identify(group: Group) -> tuple[tuple[str, str | None], ...]:
    return tuple((key.kind, key.value) for key in group.keys)
