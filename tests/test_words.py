"""The words that code, comments and messages do not use."""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.every_case import every_case

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGES = ("tally", "app", "api", "forecasting", "bench")
OPENING = re.compile(r"(What|Who|Whose|Whether|How|Which|Where|When|Why)\b")
UNWANTED = re.compile(r"\b(anew|whatever|of which|somebody)\b", re.IGNORECASE)


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """The docstrings of a module, its classes and its functions, with the lines where these begin."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if text := ast.get_docstring(node):
            yield getattr(node, "lineno", 1), text


def texts(source: str) -> Iterator[tuple[int, str]]:
    """The comments and strings of a module, docstrings included, with their lines."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING):
            yield token.start[0], token.string


def find_riddles(source: str) -> list[tuple[int, str]]:
    """Docstrings that open with a question word, where a noun or a verb says more."""
    return [(line, text) for line, text in docstrings(source) if OPENING.match(text)]


def find_unwanted(source: str) -> list[tuple[int, str]]:
    """Comments and strings with a word that reads as a translation."""
    return [(line, text) for line, text in texts(source) if UNWANTED.search(text)]


def modules(package: str) -> list[Path]:
    """The files of a package."""
    found = sorted((CHECKOUT / package).rglob("*.py"))
    assert found
    return found


def search(package: str, find: Callable[[str], list[tuple[int, str]]]) -> list[str]:
    """Findings in a package, each with its place and first line."""
    return [
        f"{path.relative_to(CHECKOUT)}:{line}: {text.splitlines()[0]}"
        for path in modules(package)
        for line, text in find(path.read_text())
    ]


@every_case([(package,) for package in PACKAGES])
def test_docstring_opens_with_a_noun_or_a_verb(package: str) -> None:
    assert search(package, find_riddles) == []


@every_case([(package,) for package in PACKAGES])
def test_text_is_plain_english(package: str) -> None:
    assert search(package, find_unwanted) == []


def test_riddle_and_unwanted_word_are_found() -> None:
    source = '"""How it begins."""\n\nprice = 1  # priced anew\nmessage = "Whatever it is."\n'
    assert find_riddles(source) == [(1, "How it begins.")]
    assert [line for line, _ in find_unwanted(source)] == [3, 4]


def test_plain_text_passes() -> None:
    source = '"""Prices by model."""\n\nprice = 1  # in dollars\n'
    assert (find_riddles(source), find_unwanted(source)) == ([], [])
