"""Every test has an assertion that can fail."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
CHECKING = ("assert", "check", "expect", "eventually")  # how helpers that assert are named
RAISING = {"raises", "warns", "fail", "verify"}


def asserts(function: ast.AST) -> bool:
    """Does a function assert, expect an error, or call a helper that is named as if it did?"""
    return any(isinstance(node, ast.Assert) or is_checking(node) for node in ast.walk(function))


def is_checking(node: ast.AST) -> bool:
    """Is this a call of a helper that asserts?"""
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
    return name.lstrip("_").startswith(CHECKING) or name in RAISING


def names_without_assertion(source: str) -> list[str]:
    """The names of tests that cannot fail but by accident."""
    return [
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not asserts(node)
    ]


def test_every_test_asserts_something() -> None:
    found = [
        f"{path.relative_to(TESTS)}: {name}"
        for path in sorted(TESTS.rglob("test_*.py"))
        for name in names_without_assertion(path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    ("body", "is_found"),
    [
        ("prepare()", True),
        ("x = 1 == 2", True),
        ("assert prepare()", False),
        ("with pytest.raises(ValueError): prepare()", False),
        ("expect(page).to_be_visible()", False),
        ("assert_same(1, 2)", False),
    ],
)
def test_test_without_assertion_is_found(body: str, is_found: bool) -> None:
    source = f"def test_something() -> None:\n    {body}\n"
    assert names_without_assertion(source) == (["test_something"] if is_found else [])
