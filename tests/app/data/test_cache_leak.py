"""All sessions share Streamlit's caches: every cached function must have the user in its key."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
import streamlit as st
from streamlit.runtime.caching.cache_utils import CachedFunc

from app import data

APP = Path(__file__).resolve().parents[3] / "app"
CACHES = {"st.cache_data", "st.cache_resource", "cached"}
USER_ARGUMENTS = {"user_id", "user"}
IDENTITY = {"current_user", "st.context", "st.session_state", "st.user", "st.query_params"}


def decorated_functions(source: str, names: set[str]) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            decorators = (d.func if isinstance(d, ast.Call) else d for d in node.decorator_list)
            if any(ast.unparse(decorator) in names for decorator in decorators):
                yield node


def find_leaks(source: str) -> list[str]:
    """Cached functions without the user in their key, or that look the user up themselves."""
    found = []
    for function in decorated_functions(source, CACHES):
        hashed = {argument.arg for argument in function.args.args if not argument.arg.startswith("_")}
        body = {
            ast.unparse(node) for node in ast.walk(function) if isinstance(node, ast.Name | ast.Attribute)
        }
        looks_up_user = any(name in IDENTITY or name.split(".")[-1] in IDENTITY for name in body)
        if looks_up_user or not hashed & USER_ARGUMENTS:
            found.append(function.name)
    return found


@pytest.mark.parametrize("file", sorted(APP.rglob("*.py")), ids=lambda file: str(file.relative_to(APP)))
def test_every_cached_function_is_keyed_by_the_user(file: Path) -> None:
    assert find_leaks(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", [module.name for module in iter_modules(data.__path__)])
def test_rule_checks_every_cached_function_of_data(name: str) -> None:
    """Every function that Streamlit caches is checked, however its decorator is written."""
    module = import_module(f"app.data.{name}")
    cached = {
        key
        for key, value in vars(module).items()
        if isinstance(value, CachedFunc) and value.__module__ == module.__name__
    }
    source = (APP / "data" / f"{name}.py").read_text(encoding="utf-8")
    assert cached == {function.name for function in decorated_functions(source, CACHES)}


@pytest.mark.parametrize(
    "leaky",
    [
        "@st.cache_data\ndef rows(): return load()",
        "@st.cache_data(ttl=60)\ndef rows(_user_id, version): return load(_user_id)",
        "@st.cache_data\ndef rows(user_id): return load(identity.current_user())",
        "@st.cache_resource\ndef client(user_id): return st.session_state['token']",
        "@cached\ndef rows(version): return load()",
        "@cached\ndef rows(_user, version): return load(_user)",
    ],
)
def test_rule_finds_a_leak(leaky: str) -> None:
    assert find_leaks(leaky)


@pytest.mark.parametrize("file", sorted(APP.rglob("*.py")), ids=lambda file: str(file.relative_to(APP)))
def test_every_fragment_checks_the_user_again(file: Path) -> None:
    """A fragment runs without the rest of the page, so the page's own check does not protect it."""
    for fragment in decorated_functions(file.read_text(encoding="utf-8"), {"st.fragment"}):
        assert "current_user()" in ast.unparse(fragment), fragment.name


def test_cache_without_the_user_in_its_key_leaks() -> None:
    """The reason for the rule above."""
    who = "ada"

    @st.cache_data
    def unkeyed() -> str:
        return f"rows of {who}"

    @st.cache_data
    def underscored(_user_id: str) -> str:
        return f"rows of {_user_id}"

    @st.cache_data
    def keyed(user_id: str) -> str:
        return f"rows of {user_id}"

    assert [unkeyed(), underscored("ada"), keyed("ada")] == ["rows of ada"] * 3
    who = "bob"
    assert [unkeyed(), underscored("bob"), keyed("bob")] == ["rows of ada", "rows of ada", "rows of bob"]
