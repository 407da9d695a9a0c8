"""A wheel, installed where no checkout is: everything is in it, and Tally starts from it."""

import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tally.core.paths import CHECKOUT
from tally.local.node import MODULES
from tests.embedded import free_port_block, migrated_home
from tests.scratch import temporary_folder
from tests.supabase.parts import eventually
from tests.tally.local.test_up import environment

SOURCES = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE")
PACKAGES = ("tally", "app", "api", "forecasting")
# What a running Tally reads; the rest of these folders is for tests and for going back.
RUNTIME = (
    *(f"{package}/**/*" for package in PACKAGES),
    "database/migrations/*",
    "supabase/*",
    "supabase/local/*",
)
PIP = (sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check", "--no-input")
# Offline: no address of an index is asked, and setuptools is the one of the tests.
OFFLINE = ("--no-deps", "--no-index")


def runtime_files() -> list[str]:
    found = {file for pattern in RUNTIME for file in CHECKOUT.glob(pattern) if file.is_file()}
    return sorted(str(file.relative_to(CHECKOUT)) for file in found if "__pycache__" not in file.parts)


def place_in_wheel(file: str) -> str:
    return file if file.startswith(tuple(f"{package}/" for package in PACKAGES)) else f"tally/shipped/{file}"


@pytest.fixture(scope="module")
def wheel() -> Iterator[Path]:
    """The wheel of a copy of the checkout, by way of its source distribution, as `make wheel` builds it."""
    with temporary_folder() as folder:
        copy = folder / "a checkout"
        for file in (*runtime_files(), *SOURCES):
            (copy / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(CHECKOUT / file, copy / file)
        for name in ("supabase/local/node_modules/left", "build/lib/tally"):  # what a used checkout has
            (copy / name).mkdir(parents=True)
            (copy / name / "left_behind.py").touch()
        sdist = "from setuptools import build_meta; build_meta.build_sdist('dist')"
        subprocess.run([sys.executable, "-c", sdist], cwd=copy, stdout=subprocess.DEVNULL, check=True)
        build = [*PIP, "wheel", *OFFLINE, "--no-build-isolation", "--wheel-dir", str(folder)]
        subprocess.run([*build, *map(str, (copy / "dist").glob("*.tar.gz"))], check=True)
        shutil.rmtree(copy)
        [made] = folder.glob("*.whl")
        yield made


@pytest.fixture(scope="module")
def tally(wheel: Path) -> Path:
    """The installed command, with a space in its path, beside the packages of the tests."""
    venv = wheel.parent / "a venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    subprocess.run([*PIP, "--python", venv / "bin" / "python", "install", *OFFLINE, wheel], check=True)
    [packages] = venv.glob("lib/*/site-packages")
    # A path in such a file is searched last, and the one in it that leads to the checkout is not followed.
    (packages / "packages.pth").write_text(sysconfig.get_path("purelib"))
    return venv / "bin" / "tally"


def run(tally: Path, home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command in a folder whose own names are those of Tally's packages."""
    folder = tally.parent / "elsewhere"
    (folder / "app").mkdir(parents=True, exist_ok=True)
    (folder / "app" / "__init__.py").write_text("raise SystemExit('another app')")
    return subprocess.run(
        [tally, *arguments],
        cwd=folder,
        env=bare(home),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def bare(home: Path, port: int = 8501) -> dict[str, str]:
    return {name: value for name, value in environment(home, port).items() if name != "PYTHONPATH"}


def test_wheel_has_every_file_that_tally_reads(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {name: archive.read(name) for name in archive.namelist()}
    files = runtime_files()
    assert len([file for file in files if file.startswith("database/migrations/")]) > 100
    different = [file for file in files if inside.get(place_in_wheel(file)) != (CHECKOUT / file).read_bytes()]
    assert different == []
    unknown = set(inside) - {place_in_wheel(file) for file in files}
    assert [name for name in unknown if ".dist-info/" not in name] == []


def test_installed_command_knows_its_version_and_what_a_machine_lacks(tally: Path, tmp_path: Path) -> None:
    shown = run(tally, tmp_path, "--version")
    assert re.fullmatch(r"tally \d+\.\d+\.\d+\n", shown.stdout), shown.stderr
    lacking = run(tally, tmp_path, "doctor").stdout
    assert f"Run `'{tally}' up`." in lacking
    assert "make" not in lacking


def test_sentences_of_an_installed_tally_name_no_make(tally: Path, tmp_path: Path) -> None:
    for command, sentence in ("status", "not running"), ("nightly", "Start Tally with `tally up`"):
        ended = run(tally, tmp_path, command)
        assert ended.returncode == 1, command
        assert sentence in ended.stdout + ended.stderr
        assert "make " not in ended.stdout + ended.stderr


def test_tally_starts_from_the_wheel_and_takes_an_account(tally: Path) -> None:
    port = free_port_block()
    with migrated_home() as home:
        (home / "stack").mkdir()
        (home / "stack" / "node_modules").symlink_to(MODULES)  # a download of 150 MB in real life
        with (home / "printed").open("w+") as printed:
            up = subprocess.Popen(
                [tally, "up"], cwd="/", env=bare(home, port), stdout=printed, stderr=printed
            )
            try:
                ready = home / "printed"
                eventually(lambda: "Tally is ready" in ready.read_text() or up.poll() is not None)
                assert "Tally is ready" in ready.read_text(), ready.read_text()
                sign_up(f"http://127.0.0.1:{port}")
                folders = {psutil.Process(pid_of(home, part)).cwd() for part in ("dashboard", "worker")}
                assert folders == {str(next(tally.parents[1].glob("lib/*/site-packages")))}
            finally:
                up.send_signal(signal.SIGINT)
                assert up.wait(timeout=60) == 0


def sign_up(address: str) -> None:
    with httpx.Client(base_url=address, headers={"origin": address}) as browser:
        answer = browser.post("/signup", data={"email": "ada@example.com", "password": "correct horse 1"})
        assert (answer.status_code, answer.headers.get("location")) == (303, "/"), answer.text
        page = browser.get("/")
        assert page.status_code == 200
        for file in (
            "/app/static/logo.svg",
            *re.findall(r'modulepreload" crossorigin href="([^"]+)', page.text),
        ):
            assert browser.get(file).status_code == 200, file
        assert "/start.js" in page.text  # made by esbuild, which is one of the stack's packages


def pid_of(home: Path, part: str) -> int:
    return int((home / "run" / f"{part}.pid").read_text().split()[0])
