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


def test_mix_goes_from_one_colour_to_the_other() -> None:
    assert mix("#000000", "#FFFFFF", 0) == "#000000"
    assert mix("#000000", "#FFFFFF", 0.5) == "#808080"
    assert mix("#000000", "#FFFFFF", 1) == "#FFFFFF"
