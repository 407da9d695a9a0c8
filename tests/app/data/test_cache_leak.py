"""All sessions share Streamlit's caches: every key contains the user, the workspace and the role."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import streamlit as st
from streamlit.runtime.caching.cache_utils import CachedFunc

from app import data
from app.auth.identity import User
from app.auth.workspaces import Workspace, personal_workspace
from app.data.reading import cached
from tests.every_case import every_case

APP = Path(__file__).resolve().parents[3] / "app"
STREAMLIT_CACHES = {"st.cache_data", "st.cache_resource"}
CACHES = STREAMLIT_CACHES | {"cached", "cached_as_is", "cached_for_a_moment"}
IDENTITY = {"current_user", "st.context", "st.session_state", "st.user", "st.query_params"}


def decorated_functions(source: str, names: set[str]) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            decorators = (d.func if isinstance(d, ast.Call) else d for d in node.decorator_list)
            if any(ast.unparse(decorator) in names for decorator in decorators):
                yield node


def is_keyed_by_scope(decorator: ast.expr) -> bool:
    """True for `@cached` and `@cached_for_a_moment`, and for Streamlit's caches with KEYS."""
    if not isinstance(decorator, ast.Call):
        return ast.unparse(decorator) not in STREAMLIT_CACHES
    keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in decorator.keywords}
    return ast.unparse(decorator.func) not in STREAMLIT_CACHES or keywords.get("hash_funcs") == "KEYS"


def find_leaks(source: str) -> list[str]:
    """Cached functions without the user's scope in their key, or that look the user up themselves."""
    found = []
    for function in decorated_functions(source, CACHES):
        hashed = {argument.arg for argument in function.args.args if not argument.arg.startswith("_")}
        body = {
            ast.unparse(node) for node in ast.walk(function) if isinstance(node, ast.Name | ast.Attribute)
        }
        looks_up_user = any(name in IDENTITY or name.split(".")[-1] in IDENTITY for name in body)
        is_keyed = "user" in hashed and all(map(is_keyed_by_scope, function.decorator_list))
        if looks_up_user or not is_keyed:
            found.append(function.name)
    return found


def test_every_cached_function_is_keyed_by_user_workspace_and_role() -> None:
    leaks = {file: find_leaks(file.read_text(encoding="utf-8")) for file in APP.rglob("*.py")}
    assert leaks
    assert {file: names for file, names in leaks.items() if names} == {}


@every_case([(name,) for name in [module.name for module in iter_modules(data.__path__)]])
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


@every_case(
    [
        (leaky,)
        for leaky in [
            "@st.cache_data\ndef rows(): return load()",
            "@st.cache_data(ttl=60)\ndef rows(user): return load(user)",
            "@st.cache_data(ttl=60, hash_funcs={User: user_id})\ndef rows(user): return load(user)",
            "@st.cache_data(hash_funcs=KEYS)\ndef rows(user_id): return load(user_id)",
            "@st.cache_data(hash_funcs=KEYS)\ndef rows(user): return load(identity.current_user())",
            "@st.cache_resource(hash_funcs=KEYS)\ndef client(user): return st.session_state['token']",
            "@cached\ndef rows(user): return load(st.session_state.workspace)",
            "@cached\ndef rows(version): return load()",
            "@cached_for_a_moment\ndef rows(page): return load(page)",
            "@cached_as_is\ndef rows(page): return load(page)",
            "@cached\ndef rows(_user, version): return load(_user)",
        ]
    ]
)
def test_rule_finds_a_leak(leaky: str) -> None:
    assert find_leaks(leaky)


def test_every_fragment_checks_the_user_again() -> None:
    """A fragment runs without the rest of the page, so the page's own check does not protect it."""
    fragments = [
        (file, fragment.name, ast.unparse(fragment))
        for file in APP.rglob("*.py")
        for fragment in decorated_functions(file.read_text(encoding="utf-8"), {"st.fragment"})
    ]
    assert fragments
    assert [(file, name) for file, name, source in fragments if "current_user()" not in source] == []


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


def test_workspaces_and_roles_never_share_an_entry() -> None:
    @cached
    def load(user: User) -> User:
        return user

    ada = User("ada", "ada@example.com", "token", personal_workspace("ada"))
    users = [
        ada,
        replace(ada, workspace=Workspace("team", "owner")),
        replace(ada, workspace=Workspace("team", "viewer")),
        replace(ada, workspace=Workspace("other", "viewer")),
        User("bob", "bob@example.com", "token", Workspace("team", "viewer")),
    ]

    assert [load(user) for user in users] == users
    assert load(replace(ada, access_token="refreshed")) == ada
