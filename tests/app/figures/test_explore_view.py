"""The state of Explore: through the address and back, and what clicks make of it."""

from datetime import date, timedelta
from urllib.parse import parse_qs, urlencode

from hypothesis import given
from hypothesis import strategies as st

from app.figures.explore_view import MOST_FILTERS, ExploreView, parse_query, parse_view
from app.figures.explore_words import CHARTS, COMPARISONS, DIMENSIONS, GRANULARITIES, MEASURES, PRESETS, TOPS

DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1))
VALUES = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
FILTERS = st.dictionaries(
    st.sampled_from(list(DIMENSIONS)),
    st.lists(VALUES, min_size=1, max_size=4, unique=True).map(tuple),
    max_size=MOST_FILTERS,
)


@st.composite
def views(draw: st.DrawFn) -> ExploreView:
    """Any state that the controls can reach."""
    first, length = draw(DAYS), draw(st.integers(0, 800))
    view = ExploreView(
        per=draw(st.one_of(st.none(), st.sampled_from(list(GRANULARITIES)))),
        preset=draw(st.sampled_from(list(PRESETS))),
        days=draw(st.sampled_from([None, (first, first + timedelta(days=length))])),
        compared=draw(st.sampled_from(list(COMPARISONS))),
        chart=draw(st.sampled_from(list(CHARTS))),
        top=draw(st.sampled_from(TOPS)),
    )
    by = draw(st.lists(st.sampled_from(list(DIMENSIONS)), max_size=2))
    view = view.with_by(*[*by, None, None][:2])
    for dimension, values in draw(FILTERS).items():
        view = view.with_filter(dimension, values)
    return view.with_measure(draw(st.sampled_from(list(MEASURES))))


@given(views())
def test_address_keeps_every_state(view: ExploreView) -> None:
    assert parse_view(view.to_address()) == view
    assert parse_query(view.to_query()) == view
    # As a browser writes and reads it.
    assert parse_view(parse_qs(urlencode(view.to_address(), doseq=True), keep_blank_values=True)) == view


@given(
    st.dictionaries(
        st.sampled_from(["measure", "split", "where", "from", "to", "top", "days"]), st.lists(st.text())
    )
)
def test_any_address_gives_a_state_that_its_own_address_keeps(address: dict[str, list[str]]) -> None:
    view = parse_view(address)
    assert parse_view(view.to_address()) == view


@given(views(), st.sampled_from(list(DIMENSIONS)), VALUES)
def test_a_filter_that_is_taken_away_leaves_the_others_in_their_order(
    view: ExploreView, dimension: str, value: str | None
) -> None:
    others = tuple(each for each in view.filters if each[0] != dimension)
    assert view.with_filter(dimension, (value,)).with_filter(dimension, ()).filters == others[:MOST_FILTERS]


def test_a_saved_view_may_be_any_text() -> None:
    assert parse_query("where=model:gpt" + "&x" * 1_990) == ExploreView(filters=(("model", ("gpt",)),))
    assert parse_query("%00&=&&;%ff=\ud800") == ExploreView()


def test_values_that_are_longer_than_a_question_may_have_are_left_out() -> None:
    longest = "x" * 300
    assert parse_view({"where": [f"model:{longest}", f"agent:{longest}x"]}).filters == (
        ("model", (longest,)),
    )


def test_page_without_parameters_is_the_default_state() -> None:
    assert parse_view({}) == ExploreView()
    assert ExploreView().to_address() == {}


def test_drill_filters_by_the_group_and_splits_by_what_is_left() -> None:
    both = ExploreView(by=("branch", "model"))
    assert both.drill({"branch": None}).by == ("model",)
    assert both.drill({"branch": None}).filters == (("branch", (None,)),)
    fixed = both.drill({"branch": "main", "model": "gpt"})
    assert fixed.filters == (("branch", ("main",)), ("model", ("gpt",)))
    assert fixed.by == ("provider",)
    assert fixed.drill({"provider": "openai"}).by == ("project",)


def test_token_classes_go_with_the_measure_tokens_only() -> None:
    view = ExploreView(measure="spend").with_by("token_class", "model").with_filter("token_class", ("input",))
    assert view.measure == "tokens"
    assert view.with_measure("spend").by == ("model",)
    assert view.with_measure("spend").filters == ()
    assert parse_view({"measure": ["spend"], "split": ["token_class"]}).by == ()


def test_days_out_of_order_or_unreadable_leave_the_preset() -> None:
    assert parse_view({"from": ["2026-02-02"], "to": ["2026-02-01"], "days": ["90D"]}).days is None
    assert parse_view({"from": ["yesterday"], "to": ["2026-02-01"]}).days is None
    assert parse_view({"from": ["2026-02-01"]}).days is None
