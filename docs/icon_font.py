"""`python -m docs.icon_font`: writes the font of the icons that pages show.

Streamlit's has some 4,300 icons and takes 375 KB of every first visit. Write it again after a page got an
icon that none had before, or after another version of Streamlit. The icons are Material Symbols,
by Google under the Apache License 2.0.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from fontTools import subset  # type: ignore[import-untyped]  # it ships no types
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from streamlit.file_util import get_static_dir

from app.server.stylesheet import ICON_FONT

CHECKOUT = Path(__file__).resolve().parent.parent
STREAMLIT = Path(get_static_dir()) / "static"
NAME = re.compile(r"""["'`/]([a-z0-9_]+)["'`:]""")  # also of what is no icon


def list_icons() -> set[str]:
    """Every icon whose name is a text in the code of the pages or of Streamlit's own elements."""
    code = [*(CHECKOUT / "app").rglob("*.py"), *(STREAMLIT / "js").glob("*.js")]
    named = {name for file in code for name in NAME.findall(file.read_text(encoding="utf-8"))}
    return named & set(read_icons(next(STREAMLIT.glob("media/MaterialSymbols-Rounded.*.woff2"))))


@cache
def read_icons(font: Path) -> frozenset[str]:
    """The names of a font's icons: they are ligatures of these letters."""
    return frozenset(_read_ligatures(TTFont(font)))


def write(file: Path = ICON_FONT) -> None:
    """Write the font with these icons."""
    font = TTFont(next(STREAMLIT.glob("media/MaterialSymbols-Rounded.*.woff2")))
    glyphs = _read_ligatures(font)
    options = subset.Options(flavor="woff2", layout_closure=False, glyph_names=False)
    subsetter = subset.Subsetter(options)
    icons = list_icons()
    subsetter.populate(
        text="".join(sorted({letter for icon in icons for letter in icon})),
        glyphs=[glyphs[icon] for icon in icons],
    )
    subsetter.subset(font)
    font.flavor = "woff2"
    font.save(file)


def _read_ligatures(font: TTFont) -> dict[str, str]:
    letters = {glyph: chr(code) for code, glyph in font.getBestCmap().items()}
    return {
        "".join(letters[glyph] for glyph in (first, *ligature.Component)): ligature.LigGlyph
        for table in _list_tables(font)
        for first, ligatures in table.ligatures.items()
        for ligature in ligatures
    }


def _list_tables(font: TTFont) -> Iterator[Any]:
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for table in lookup.SubTable:
            found = getattr(table, "ExtSubTable", table)
            if hasattr(found, "ligatures"):
                yield found


if __name__ == "__main__":
    write()
