"""The theme is known for every page."""

import re
from pathlib import Path

import app

APP = Path(app.__file__).parent


def test_theme_is_set_for_every_page_of_the_dashboard() -> None:
    """Streamlit keeps the theme by page address, so the script has to know them all."""
    titles = re.findall(
        r'^    \("\w+", "([\w ]+)", "\w+"\),$', (APP / "dashboard.py").read_text(), re.MULTILINE
    )
    addresses = {"/" if title == "Overview" else f"/{title.lower().replace(' ', '-')}" for title in titles}
    script = (APP / "static" / "theme.js").read_text()

    assert len(addresses) == len(titles) > 6
    assert addresses == set(re.findall(r'"(/[a-z-]*)"', script))
