"""Paths of the pages, for links and the navigation."""

from pathlib import Path

VIEWS = Path(__file__).resolve().parent.parent / "views"


def page_path(name: str) -> Path:
    """The script of a page, by the name of its folder in `app/views/`."""
    return VIEWS / name / "page.py"
