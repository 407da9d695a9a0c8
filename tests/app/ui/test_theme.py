"""The chosen theme applies to every page."""

import re
from pathlib import Path

import app
from app.ui.pages import PAGES, PATHS


def test_theme_script_knows_every_page() -> None:
    """Streamlit stores the theme per page address."""
    script = (Path(app.__file__).parent / "static" / "theme.js").read_text()

    assert len(PATHS) == len(PAGES)
    assert set(re.findall(r'"(/[a-z-]*)"', script)) == PATHS
