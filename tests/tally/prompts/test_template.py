"""Variables of templates, and where a template does not parse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.prompts.content import PromptError, check_content, normalise
from tally.prompts.template import find_variables


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("Answer in {{language}}: {{ question }} {{language}}", ["language", "question"]),
        ("Hi {name}, {order.id} {items[0]} {price:.2f} {who!r}", ["name", "order", "items", "price", "who"]),
        ('Return {"answer": "…", "n": {"x": 1}} for {question}', ["question"]),
        ("{{#orders}}{{id}}{{/orders}}{{^orders}}none{{/orders}}", ["orders", "id"]),
        ("{{! a comment }}{{> header}}{{{raw}}} {{&also}}", ["raw", "also"]),
        ("{{#if user.name}}{{user.name}}{{else}}you{{/if}}", ["user"]),
        ("{{ items | join(', ') }} {{ 'text' }}", ["items"]),
        ("{% for row in rows %}{{ row.x }}{{ total }}{% endfor %}", ["rows", "total"]),
        ("Escaped {{json}} {{'a': {x}}}", ["x"]),
        ('Python: {{"city": "{city}"}}', ["city"]),
        ("body { color: red } if (x) { return }", []),
        ("A text without any", []),
    ],
)
def test_variables_are_found_in_their_order(text: str, variables: list[str]) -> None:
    assert find_variables(text) == variables


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a\nb {{name", "Line 2, column 3: {{ is not closed by }}."),
        ("Hi {{name} and {{other}}", "Line 1, column 4: {{ is not closed by }}."),
        ("x {{}}", "Line 1, column 3: {{ }} is empty."),
        ("{{#a}}\n{{/b}}", "Line 2, column 1: {{/b}} closes nothing that is open."),
        ("{{/a}}", "Line 1, column 1: {{/a}} closes nothing that is open."),
        ("\n {{#a}}", "Line 2, column 2: {{#a}} is not closed by {{/a}}."),
        ("{{ 1 + 2 }}", "Line 1, column 1: {{1 + 2}} names no variable."),
        ("Dear {name, how are you?", "Line 1, column 6: { is not closed by }."),
        ("a\n{% if x %}b", "Line 2, column 1: "),
        ("a\n  {% endfor %}", "Line 2, column 3: "),
    ],
)
def test_template_that_does_not_parse_is_a_sentence_with_its_place(text: str, sentence: str) -> None:
    with pytest.raises(PromptError) as refused:
        find_variables(text)
    assert str(refused.value).startswith(sentence)
    assert str(refused.value).endswith("Correct the template, then push it again.")


def read(text: str) -> tuple[list[str], str]:
    """The variables of a text, or the sentence that refuses it."""
    try:
        return find_variables(text), ""
    except PromptError as refused:
        return [], str(refused)


@given(st.text(alphabet="{}%# /x\n'\"!|.[", max_size=60))
def test_any_text_is_read_or_refused_in_a_sentence(text: str) -> None:
    found, refused = read(text)
    assert all(name.isidentifier() for name in found)
    assert not refused or refused.startswith(("Line ", "This template"))


@pytest.mark.parametrize("piece", ["{{", "{", "{{x}}", "{x", "{{#a}}", "{ ", "}}", "{{{"])
def test_a_megabyte_of_braces_is_read_in_time(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    found, refused = read(text)
    assert found in ([], ["x"])
    assert not refused or refused.startswith("Line 1, column ")


def test_too_many_variables_are_refused() -> None:
    with pytest.raises(PromptError, match="501 variables, and 500 is the most"):
        find_variables(" ".join(f"{{v{n}}}" for n in range(501)))


def test_deeply_nested_template_is_refused() -> None:
    with pytest.raises(PromptError):
        find_variables("{% if a %}" + "{{ " + "(" * 50_000 + " }}")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (" \n", "This prompt is empty."),
        ("a\x00", "This prompt has a NUL character"),
        ("a\n b\ud800", "Line 2, column 3 has half of a character."),
        ("x" * 1_048_577, "This prompt has 1,048,577 bytes, and 1,048,576 (1 MB) is the most."),
    ],
)
def test_text_that_cannot_be_kept_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(PromptError) as refused:
        check_content(text)
    assert str(refused.value).startswith(sentence)


@given(st.text(alphabet="ab\r\n", max_size=30))
def test_line_ends_do_not_change_what_is_kept(text: str) -> None:
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    assert normalise(text) == normalise(plain) == normalise(plain.replace("\n", "\r\n")) == plain
