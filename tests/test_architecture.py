"""The folders are the architecture: imports go one way."""

import ast
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
DATA = CHECKOUT / "app" / "data"
FORBIDDEN = {
    "tally": {"app", "forecasting", "streamlit"},
    "app": {"forecasting"},
    "forecasting": {"app", "streamlit"},
}


def imported_packages(source: str) -> set[str]:
    """The top-level packages that a module imports, anywhere in it."""
    packages: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            packages |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            packages.add(node.module.split(".")[0])
    return packages


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_go_one_way(package: str) -> None:
    modules = list((CHECKOUT / package).rglob("*.py"))
    assert modules
    wrong = {
        str(module.relative_to(CHECKOUT)): forbidden
        for module in modules
        if (forbidden := imported_packages(module.read_text()) & FORBIDDEN[package])
    }
    assert wrong == {}


def test_only_the_modules_of_data_read() -> None:
    """Views and charts get frames from app/data; none of them asks the database itself."""
    readers = {
        module
        for module in (CHECKOUT / "app").rglob("*.py")
        if any(call in module.read_text() for call in (".select(", '.rpc("daily_costs'))
    }
    assert readers
    assert readers <= set(DATA.glob("*.py")) - {DATA / "__init__.py"}


def test_data_itself_only_names_what_its_modules_load() -> None:
    _, *imports, names = ast.parse((DATA / "__init__.py").read_text()).body
    assert all(isinstance(node, ast.ImportFrom) for node in imports)
    taken = [name.name for node in imports if isinstance(node, ast.ImportFrom) for name in node.names]
    assert isinstance(names, ast.Assign)
    assert ast.unparse(names.targets[0]) == "__all__"
    assert sorted(ast.literal_eval(names.value)) == sorted(taken)


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(module.relative_to(CHECKOUT))
        for package in (*FORBIDDEN, "bench")
        for module in (CHECKOUT / package).rglob("*.py")
        if module.read_text().strip() and not ast.get_docstring(ast.parse(module.read_text()))
    ]
    assert silent == []
