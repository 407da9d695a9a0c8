"""Streamlit's code as it is built: some hundred small modules, which its page requests one by one.

A module begins with its imports and ends with its exports, each of them one statement without a space.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from streamlit.file_util import get_static_dir

STATIC = Path(get_static_dir())
CODE = STATIC / "static" / "js"
ENTRY = re.compile(r'<script type="module"[^>]* src="\./static/js/([^"]+)"')
# The modules that each lazily loaded one needs, which a browser is told to request together with it.
NEEDED = re.compile(
    r"const __vite__mapDeps=\(i,m=__vite__mapDeps,d=\(m\.f\|\|\(m\.f=\[([^\]]*)\]\)\)\)=>[^;]*;\s*"
)
IMPORT = re.compile(
    r'import ?(?:(?P<names>\{[^}]*\}|\*as [\w$]+|[\w$]+) ?from)?"\./(?P<module>[\w.-]+\.js)";?'
)
EXPORTS = re.compile(r"export\{([^}]*)\};?\s*$")


@dataclass(frozen=True, slots=True)
class Import:
    """A statement at the top of a module; its names are as in the code: `{a as b}`, `a`, `*as a` or none."""

    names: str
    module: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """A module: the list of what its lazy imports need, its imports, and its code from there on."""

    needed: str
    imports: tuple[Import, ...]
    code: str

    @property
    def exports(self) -> tuple[str, ...]:
        """The names that other modules import."""
        found = EXPORTS.search(self.code)
        listed = found[1].split(",") if found and found[1] else []
        return tuple(each.rpartition(" as ")[2].strip() for each in listed)


def read_page() -> str:
    """Streamlit's page, which names the first module."""
    return (STATIC / "index.html").read_text(encoding="utf-8")


def read_chunk(name: str) -> Chunk:
    """Read one of Streamlit's modules."""
    text = (CODE / name).read_text(encoding="utf-8")
    needed = NEEDED.match(text)
    at, imports = needed.end() if needed else 0, []
    while found := IMPORT.match(text, at):
        imports.append(Import(found["names"] or "", found["module"]))
        at = found.end()
    return Chunk(needed[0] if needed else "", tuple(imports), text[at:])


def read_chunks(names: Iterable[str]) -> dict[str, Chunk]:
    """The modules with these names, and all that they import before they run."""
    found: dict[str, Chunk] = {}
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        found[name] = read_chunk(name)
        waiting |= {each.module for each in found[name].imports} - set(found)
    return found


def names_of(beginnings: tuple[str, ...]) -> set[str]:
    """The modules whose names begin so; a hash of the content follows."""
    return {file.name for file in CODE.iterdir() if file.name.startswith(beginnings)}
