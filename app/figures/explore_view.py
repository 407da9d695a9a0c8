"""The state of the Explore page, to and from its address. Pure: an address in, an address out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import parse_qs, urlencode

from app.figures.explore_words import CHARTS, COMPARISONS, DIMENSIONS, GRANULARITIES, MEASURES, PRESETS, TOPS

Values = tuple[str | None, ...]  # None stands for records without a value
Filters = tuple[tuple[str, Values], ...]
Address = dict[str, list[str]]

MEASURE, BY, PER, PRESET, FIRST, LAST = "measure", "split", "per", "days", "from", "to"
COMPARED, CHART, FILTER, TOP = "versus", "chart", "where", "top"
PARAMETERS = (MEASURE, BY, PER, PRESET, FIRST, LAST, COMPARED, CHART, FILTER, TOP)
NOTHING = "none"
MOST_GROUPINGS, MOST_FILTERS, MOST_VALUES, MOST_LETTERS = 2, 12, 100, 300  # as the database takes them
TOKEN_CLASS, TOKENS = "token_class", "tokens"
# What a filtered page is split by next.
DRILL_ORDER = ("provider", "model", "project", "repository", "branch", "agent", "session", "billing_account")


@dataclass(frozen=True, slots=True)
class ExploreView:
    """A question about costs, and the chart that answers it. `per` is None where the period decides."""

    measure: str = "spend"
    by: tuple[str, ...] = ("provider",)
    per: str | None = None
    preset: str = "30D"
    days: tuple[date, date] | None = None  # one's own, in place of the preset
    compared: str = "before"
    chart: str = "bars"
    filters: Filters = ()
    top: int = 6

    def to_address(self) -> Address:
        """The parameters that differ from those of the page without any."""
        default = ExploreView()
        plain = (
            (MEASURE, self.measure, default.measure),
            (PER, self.per, default.per),
            (PRESET, self.preset, default.preset),
            (COMPARED, self.compared, default.compared),
            (CHART, self.chart, default.chart),
            (TOP, str(self.top), str(default.top)),
        )
        address: Address = {
            name: [value] for name, value, usual in plain if value is not None and value != usual
        }
        if self.by != default.by:
            address[BY] = list(self.by) or [NOTHING]
        if self.days:
            address |= {FIRST: [self.days[0].isoformat()], LAST: [self.days[1].isoformat()]}
        if self.filters:
            address[FILTER] = [
                _write_filter(name, value) for name, values in self.filters for value in values
            ]
        return address

    def to_query(self) -> str:
        """The address as one text, as saved views keep it."""
        return urlencode(self.to_address(), doseq=True)

    def with_measure(self, measure: str) -> "ExploreView":
        """Another measure; classes of tokens go with other measures than tokens."""
        return _settle(replace(self, measure=measure))

    def with_by(self, first: str | None, second: str | None) -> "ExploreView":
        """Other groupings; classes of tokens bring the measure tokens."""
        by = tuple(dict.fromkeys(name for name in (first, second) if name))
        return _settle(replace(self, by=by, measure=TOKENS if TOKEN_CLASS in by else self.measure))

    def with_filter(self, dimension: str, values: Values) -> "ExploreView":
        """Filtered by a dimension, which keeps its place; without values, any of it."""
        filters = dict(self.filters) | {dimension: tuple(dict.fromkeys(values))}
        return _settle(
            replace(
                self, filters=tuple((name, kept) for name, kept in filters.items() if kept)[:MOST_FILTERS]
            )
        )

    def drill(self, keys: Mapping[str, str | None]) -> "ExploreView":
        """Filtered by one group, and split by what is left, or by what is worth a look next."""
        view = self
        for dimension, value in keys.items():
            view = view.with_filter(dimension, (value,))
        left = tuple(name for name in view.by if name not in keys)
        filtered = {name for name, _ in view.filters}
        following = tuple(name for name in DRILL_ORDER if name not in filtered)[:1]
        return _settle(replace(view, by=left or following))


def parse_view(address: Mapping[str, Sequence[str]]) -> ExploreView:
    """The state that an address names; what is unknown or no longer offered is as on the page without it."""

    def choose(name: str, offered: Mapping[str, object], default: str) -> str:
        asked = (address.get(name) or [default])[-1]
        return asked if asked in offered else default

    default = ExploreView()
    asked_by = [name for name in address.get(BY, default.by) if name in DIMENSIONS]
    tops = {str(top): top for top in TOPS}
    return _settle(
        ExploreView(
            measure=choose(MEASURE, MEASURES, default.measure),
            by=tuple(dict.fromkeys(asked_by))[:MOST_GROUPINGS],
            per=choose(PER, GRANULARITIES, "") or None,
            preset=choose(PRESET, PRESETS, default.preset),
            days=_read_days(address),
            compared=choose(COMPARED, COMPARISONS, default.compared),
            chart=choose(CHART, CHARTS, default.chart),
            filters=_read_filters(address.get(FILTER, ())),
            top=tops[choose(TOP, tops, str(default.top))],
        )
    )


def parse_query(query: str) -> ExploreView:
    """The state of a saved view, which may be any text: nothing but its length bounds its parameters."""
    return parse_view(parse_qs(query, keep_blank_values=True))


def _settle(view: ExploreView) -> ExploreView:
    """Without classes of tokens where another measure has none."""
    if view.measure == TOKENS:
        return view
    return replace(
        view,
        by=tuple(name for name in view.by if name != TOKEN_CLASS),
        filters=tuple((name, values) for name, values in view.filters if name != TOKEN_CLASS),
    )


def _write_filter(dimension: str, value: str | None) -> str:
    return dimension if value is None else f"{dimension}:{value}"


def _read_filters(texts: Sequence[str]) -> Filters:
    filters: dict[str, list[str | None]] = {}
    for text in texts:
        dimension, mark, value = text.partition(":")
        if dimension in DIMENSIONS and len(value) <= MOST_LETTERS:
            filters.setdefault(dimension, []).append(value if mark else None)
    kept = list(filters.items())[:MOST_FILTERS]
    return tuple((name, tuple(dict.fromkeys(values))[:MOST_VALUES]) for name, values in kept)


def _read_days(address: Mapping[str, Sequence[str]]) -> tuple[date, date] | None:
    try:
        first, last = (date.fromisoformat(address[name][-1]) for name in (FIRST, LAST))
    except (KeyError, ValueError, IndexError):
        return None
    return (first, last) if first <= last else None
