"""Rules of the rooms beyond the import contracts in pyproject.toml."""

import ast
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
DATA = CHECKOUT / "app" / "data"
PACKAGES = ("tally", "app", "api", "forecasting", "bench")


def test_only_modules_of_data_query_the_database() -> None:
    """Views and charts get frames from app/data."""
    readers = {
        module
        for module in (CHECKOUT / "app").rglob("*.py")
        if any(call in module.read_text() for call in (".select(", '.rpc("daily_costs'))
    }
    assert readers
    assert readers <= set(DATA.glob("*.py")) - {DATA / "__init__.py"}


def test_only_storage_talks_to_the_database() -> None:
    """Its databases limit every request to one workspace; the operator's own queries name theirs."""
    talkers = {
        str(module.relative_to(CHECKOUT))
        for module in (CHECKOUT / "tally").rglob("*.py")
        if any(call in module.read_text() for call in (".table(", ".rpc(", ".from_("))
    }
    assert talkers == {"tally/storage/postgrest.py"}


def test_data_package_exports_what_its_modules_define() -> None:
    _, *imports, names = ast.parse((DATA / "__init__.py").read_text()).body
    assert all(isinstance(node, ast.ImportFrom) for node in imports)
    taken = [name.name for node in imports if isinstance(node, ast.ImportFrom) for name in node.names]
    assert isinstance(names, ast.Assign)
    assert ast.unparse(names.targets[0]) == "__all__"
    assert sorted(ast.literal_eval(names.value)) == sorted(taken)


def test_every_module_has_a_docstring() -> None:
    undocumented = [
        str(module.relative_to(CHECKOUT))
        for package in PACKAGES
        for module in (CHECKOUT / package).rglob("*.py")
        if module.read_text().strip() and not ast.get_docstring(ast.parse(module.read_text()))
    ]
    assert undocumented == []


def test_every_page_is_a_package() -> None:
    """Without `__init__.py` the import contracts would not see a page."""
    folders = [path.parent for path in (CHECKOUT / "app" / "views").glob("*/page.py")]
    assert folders
    assert [folder.name for folder in folders if not (folder / "__init__.py").exists()] == []
