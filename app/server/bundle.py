"""Streamlit's code in one file, as far as every page needs it: its own page requests 90 modules first.

esbuild, which the embedded stack installs, puts them together. All other modules stay apart, and import from
that file. Everything is at addresses of its own, so that no browser mixes it with modules that it kept. Where
esbuild is missing or fails, pages request the modules one by one.
"""

import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from app.server.chunks import CODE, ENTRY, Chunk, Import, names_of, read_chunk, read_chunks, read_page
from tally.core.paths import SETUP, stack_folder

LOG = logging.getLogger(__name__)
PACKAGES = stack_folder() / "node_modules" / "@esbuild"
MADE = Path(sys.prefix) / "streamlit-start"
START = "start.js"
# The elements of the first moments of every page, and of its sidebar.
FIRST_ELEMENTS = ("Html.", "ButtonGroup.", "Metric.", "TextInput.", "Button.", "Checkbox.")
SECONDS = 60
PRELOADED = re.compile(r'<link rel="modulepreload"[^>]*>\s*')
Names = dict[str, dict[str, str]]
OPTIONS = ("--bundle", "--format=esm", "--minify", "--target=esnext", "--charset=utf8", "--log-level=error")


class NotBundled(Exception):
    """The reason that there is no bundle."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """The file, the address of its folder, and the names in it of what each of its modules exports."""

    folder: str
    start: bytes
    names: Names

    @property
    def address(self) -> str:
        """The address of the file."""
        return f"{self.folder}js/{START}"

    def read(self, name: str) -> bytes | None:
        """The code at an address of the folder, or None where there is nothing."""
        if name == START:
            return self.start
        if name in self.names:
            return _forward(self.names[name]).encode()
        if name not in names_of((name,)):
            return None
        return _import_from_start(read_chunk(name), self.names).encode()


@cache
def find_bundle() -> Bundle | None:
    """The bundle of this Streamlit, made at the first call after an installation; None if it cannot be."""
    try:
        esbuild = _find_esbuild()
        chunks = read_chunks(names_of(FIRST_ELEMENTS) | {_entry()})
        names = _name_exports(chunks)
        version = _version(esbuild)
        start = _kept(version) or _make(esbuild, chunks, names)
        _keep(version, start)
        return Bundle(f"/static/{version}/", start, names)
    except (NotBundled, OSError, subprocess.SubprocessError) as problem:
        LOG.warning("Pages load Streamlit's code in many small files: %s", problem)
        return None


def with_bundle(page: str) -> str:
    """The page with the bundle's file in place of the modules that are in it."""
    bundle = find_bundle()
    if bundle is None:
        return page
    start = f'<link rel="modulepreload" crossorigin href="{bundle.address}">'
    script = f'{start}<script type="module" crossorigin src="{bundle.address}"'
    return ENTRY.sub(script, PRELOADED.sub("", page))


def _find_esbuild() -> Path:
    for program in (*PACKAGES.glob("*/bin/esbuild"), *PACKAGES.glob("*/esbuild.exe")):
        return program
    raise NotBundled(f"esbuild is missing. Run `{SETUP}`.")


def _entry() -> str:
    found = ENTRY.search(read_page())
    if found is None:
        raise NotBundled("Streamlit's page names no script.")
    return found[1]


def _version(esbuild: Path) -> str:
    """A hash of all that the bundle depends on; names of modules have hashes of their content."""
    sources = [Path(__file__), Path(__file__).with_name("chunks.py"), esbuild.parents[1] / "package.json"]
    parts = [*sorted(file.name for file in CODE.iterdir()), *(file.read_text("utf-8") for file in sources)]
    return sha256("\0".join(parts).encode()).hexdigest()[:16]


def _name_exports(chunks: dict[str, Chunk]) -> Names:
    return {
        name: {each: f"m{number}_{each}" for each in chunks[name].exports}
        for number, name in enumerate(sorted(chunks))
    }


def _kept(version: str) -> bytes | None:
    try:
        return (MADE / f"{version}.js").read_bytes()
    except OSError:
        return None


def _keep(version: str, start: bytes) -> None:
    """Write the file for the next start, and remove those of other versions."""
    file = MADE / f"{version}.js"
    if file.exists():
        return
    with suppress(OSError):  # an installation that nobody may write to makes it at every start
        shutil.rmtree(MADE, ignore_errors=True)
        MADE.mkdir(exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}")
        part.write_bytes(start)
        part.replace(file)


def _make(esbuild: Path, chunks: dict[str, Chunk], names: Names) -> bytes:
    _check_imports(chunks, names)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for name, chunk in chunks.items():
            imports = "".join(_write_import(each) for each in chunk.imports)
            code = f"{_need_start(chunk.needed, names)}{imports}{chunk.code}"
            (folder / name).write_text(code, encoding="utf-8")
        exports = (
            f'export{{{",".join(f"{name} as {inner}" for name, inner in exported.items())}}}from"./{module}";'
            for module, exported in names.items()
            if exported
        )
        (folder / START).write_text("\n".join([f'import"./{_entry()}";', *exports]), encoding="utf-8")
        outside = [f"--external:./{file.name}" for file in CODE.iterdir() if file.name not in chunks]
        made_by = subprocess.run(  # noqa: S603 - our own command
            [esbuild, START, *OPTIONS, *outside],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    if made_by.returncode != 0:
        raise NotBundled(f"esbuild could not bundle it: {made_by.stderr.decode(errors='replace').strip()}")
    return made_by.stdout


def _check_imports(chunks: dict[str, Chunk], names: Names) -> None:
    """Raise NotBundled unless the start has every name that modules apart from it import."""
    for file in CODE.iterdir():
        if file.name not in chunks:
            try:
                _import_from_start(read_chunk(file.name), names)
            except KeyError as missing:
                raise NotBundled(f"{file.name} imports {missing}, which no module exports.") from None


def _forward(exports: dict[str, str]) -> str:
    """A module of the start at its own address, for imports of it as a whole."""
    return f'export{{{",".join(f"{inner} as {name}" for name, inner in exports.items())}}}from"./{START}";'


def _import_from_start(chunk: Chunk, names: Names) -> str:
    imports = "".join(_write_import(_rename(each, names)) for each in chunk.imports)
    return f"{_need_start(chunk.needed, names)}{imports}{chunk.code}"


def _need_start(needed: str, names: Names) -> str:
    """The list of what lazy imports need, in which the start stands for its modules."""
    for module in names:
        needed = needed.replace(f'"./{module}"', f'"./{START}"')
    return needed


def _rename(found: Import, names: Names) -> Import:
    exports = names.get(found.module)
    if exports is None or found.names.startswith("*"):
        return found
    listed = found.names.strip("{}").split(",") if found.names else []
    if found.names and not found.names.startswith("{"):
        listed = [f"default as {found.names}"]
    renamed = []
    for each in listed:
        name, _, here = each.partition(" as ")
        renamed.append(f"{exports[name]} as {here or name}")
    return Import(f"{{{','.join(renamed)}}}" if renamed else "", START)


def _write_import(found: Import) -> str:
    names = f"{found.names} from" if found.names else ""
    return f'import {names}"./{found.module}";'
