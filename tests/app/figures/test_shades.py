"""Colours of groups: hue by the first grouping, shade by the second."""

from app.figures.shades import mix, shade_groups

SERIES = ("#4F46E5", "#0EA5A4", "#F59E0B")
WHITE = "#FFFFFF"


def test_groups_of_one_value_share_a_hue_in_different_shades() -> None:
    groups = [("main", "opus"), ("search", "opus"), ("main", "sonnet")]
    colours = shade_groups(groups, {}, SERIES, WHITE)
    assert colours == ["#4F46E5", "#0EA5A4", mix("#4F46E5", WHITE, 0.45)]


def test_values_with_a_colour_of_their_own_keep_it_and_others_take_what_is_free() -> None:
    colours = shade_groups([("google",), ("openai",)], {"openai": "#4F46E5"}, SERIES, WHITE)
    assert colours == ["#0EA5A4", "#4F46E5"]


def test_more_values_than_hues_still_differ() -> None:
    colours = shade_groups([(str(n),) for n in range(12)], {}, SERIES, WHITE)
    assert len(set(colours)) == 12


def test_many_values_of_the_second_grouping_differ_within_one_hue() -> None:
    groups = [("main", str(n)) for n in range(9)] + [("search", "0")]
    assert len(set(shade_groups(groups, {}, SERIES, WHITE))) == 10


def test_groups_that_share_their_first_value_have_hues_by_the_second() -> None:
    assert shade_groups([("main", "opus"), ("main", "haiku")], {}, SERIES, WHITE) == list(SERIES[:2])
    assert shade_groups([("main",)], {}, SERIES, WHITE) == [SERIES[0]]


def test_values_keep_their_colours_when_others_come_go_or_change_places() -> None:
    places = [{"main": 0, "search": 1, "try": 2, "fix": 3}, {"opus": 0, "haiku": 1, "sonnet": 2}]
    alone = [("main",), ("search",), ("try",), ("fix",)]
    before = dict(zip(alone, shade_groups(alone, {}, SERIES, WHITE, places), strict=True))
    fewer = [("fix",), ("try",), ("main",)]
    assert shade_groups(fewer, {}, SERIES, WHITE, places) == [before[keys] for keys in fewer]
    assert len(set(before.values())) == 4
    both = [("main", "opus"), ("main", "haiku"), ("search", "sonnet"), ("search", "opus")]
    shades = dict(zip(both, shade_groups(both, {}, SERIES, WHITE, places), strict=True))
    other = [("search", "sonnet"), ("main", "haiku")]
    assert shade_groups(other, {}, SERIES, WHITE, places) == [shades[keys] for keys in other]
    [haiku, opus] = shade_groups([("main", "haiku"), ("main", "opus")], {}, SERIES, WHITE, places)
    assert (opus, haiku) == (SERIES[0], SERIES[1]), "of one value alone, hues by the second"


def test_values_differ_from_those_with_colours_of_their_own() -> None:
    own = {"openai": SERIES[0], "anthropic": SERIES[1], "google": SERIES[2]}
    assert shade_groups([("azure",), ("openai",)], own, SERIES, WHITE, [{"azure": 0, "openai": 1}]) == [
        mix(SERIES[0], WHITE, 0.45),
        SERIES[0],
    ]


def test_mix_goes_from_one_colour_to_the_other() -> None:
    assert mix("#000000", "#FFFFFF", 0) == "#000000"
    assert mix("#000000", "#FFFFFF", 0.5) == "#808080"
    assert mix("#000000", "#FFFFFF", 1) == "#FFFFFF"
