"""Streamlit's code in one file: every module finds what it imports, and without the file pages go on."""

import gzip
import re
from pathlib import Path

import brotli  # type: ignore[import-untyped]  # it ships no types
import httpx
import pytest

from app.server import bundle as module
from app.server import chunks
from app.server.bundle import START, Bundle, find_bundle
from app.server.chunks import CODE, EXPORTS, names_of, read_page
from tests.app.app_server import AppServer

make_again = find_bundle.__wrapped__  # without what this process knows
NAMES_OF_START = re.compile(r'import \{([^}]*)\} from"\./start\.js"')


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    found = find_bundle()
    assert found is not None, "Streamlit's modules could not be put into one file; see the log."
    return found


@pytest.fixture
def small_streamlit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A Streamlit of four modules: the first, one of an element, one that both need, and one apart."""
    static, code = tmp_path / "static", tmp_path / "static" / "static" / "js"
    code.mkdir(parents=True)
    (static / "index.html").write_text(
        '<link rel="modulepreload" crossorigin href="./static/js/both.1.js">'
        '<script type="module" src="./static/js/index.1.js">'
    )
    (code / "both.1.js").write_text("var e=1,t=()=>{e+=1};export{e as n,t};")
    (code / "index.1.js").write_text('import{n as e}from"./both.1.js";window.e=()=>e;export{e as t};')
    (code / "Html.1.js").write_text('import{t}from"./both.1.js";t();export{t as default};')
    (code / "Apart.1.js").write_text(
        'import e from"./Html.1.js";import{n,t as i}from"./both.1.js";e(n,i);export{n as t};'
    )
    monkeypatch.setattr(chunks, "STATIC", static)
    for each in (chunks, module):
        monkeypatch.setattr(each, "CODE", code)
    monkeypatch.setattr(module, "MADE", tmp_path / "made")
    return code


def test_start_has_every_name_that_another_module_imports_from_it(bundle: Bundle) -> None:
    found = EXPORTS.search(bundle.start.decode())
    assert found is not None
    exported = {each.rpartition(" as ")[2] for each in found[1].split(",")}
    apart = sorted(names_of(("",)) - set(bundle.names))
    assert len(apart) > 100
    for name in apart:
        code = (bundle.read(name) or b"").decode()
        taken = {
            each.partition(" as ")[0] for names in NAMES_OF_START.findall(code) for each in names.split(",")
        }
        assert taken <= exported, name
    forwarded = {inner for names in bundle.names.values() for inner in names.values()}
    assert forwarded <= exported


def test_modules_apart_request_none_of_those_that_are_in_the_start(bundle: Bundle) -> None:
    for name in (START, *sorted(names_of(("",)) - set(bundle.names))):
        code = (bundle.read(name) or b"").decode()
        needed = chunks.NEEDED.search(code)
        requested = set(re.findall(r'"\./([\w.-]+\.js)"', needed[1] if needed else ""))
        head = code[: code.rfind(' from"./', 0, 20_000) + 100]
        requested |= set(re.findall(r'import [^"]*"\./([\w.-]+\.js)"', head))
        assert not requested & set(bundle.names), name


def test_start_holds_the_first_elements_and_not_the_charts(bundle: Bundle) -> None:
    for element in module.FIRST_ELEMENTS:
        assert any(name.startswith(element) for name in bundle.names), element
    assert not any(name.startswith(("PlotlyChart.", "DataFrame.")) for name in bundle.names)
    assert b'"./PlotlyChart.' in bundle.start
    assert len(bundle.start) < 1.1 * sum((CODE / name).stat().st_size for name in bundle.names)


@pytest.mark.usefixtures("small_streamlit")
def test_names_that_change_later_are_those_of_the_start() -> None:
    bundle = make_again()
    assert bundle is not None
    assert set(bundle.names) == {"index.1.js", "Html.1.js", "both.1.js"}
    html, both = bundle.names["Html.1.js"], bundle.names["both.1.js"]
    assert (
        bundle.read("Apart.1.js")
        == (
            f'import {{{html["default"]} as e}} from"./start.js";'
            f'import {{{both["n"]} as n,{both["t"]} as i}} from"./start.js";e(n,i);export{{n as t}};'
        ).encode()
    )
    assert (
        bundle.read("both.1.js") == f'export{{{both["n"]} as n,{both["t"]} as t}}from"./start.js";'.encode()
    )
    assert bundle.read("Nowhere.1.js") is bundle.read("../index.html") is bundle.read("") is None


@pytest.mark.usefixtures("small_streamlit")
def test_page_requests_the_start_and_nothing_that_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = make_again()
    assert bundle is not None
    monkeypatch.setattr(module, "find_bundle", lambda: bundle)
    page = module.with_bundle(read_page())
    assert page.count(bundle.address) == 2
    assert "both.1.js" not in page
    assert "index.1.js" not in page


def test_bundle_is_made_once_and_again_for_another_streamlit(
    small_streamlit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_again()
    monkeypatch.setattr(module, "_make", lambda *_: b"made again")
    assert make_again() == first
    (small_streamlit / "Apart.1.js").rename(small_streamlit / "Apart.2.js")
    second = make_again()
    assert second is not None
    assert (second.start, len(list(module.MADE.iterdir()))) == (b"made again", 1)
    assert first is not None
    assert second.folder != first.folder


def test_name_that_no_module_exports_makes_no_bundle(
    small_streamlit: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (small_streamlit / "Apart.1.js").write_text('import{x as e}from"./both.1.js";e();')
    assert make_again() is None
    assert "Apart.1.js imports 'x', which no module exports" in caplog.text


def test_code_that_esbuild_cannot_read_makes_no_bundle(
    small_streamlit: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (small_streamlit / "both.1.js").write_text("var e=;export{e as n,e as t};")
    assert make_again() is None
    assert "esbuild could not bundle it: ✘ [ERROR]" in caplog.text


def test_without_esbuild_pages_request_streamlits_own_modules(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "PACKAGES", tmp_path)
    assert make_again() is None
    assert "many small files: esbuild is missing. Run `make setup`." in caplog.text
    monkeypatch.setattr(module, "find_bundle", lambda: None)
    assert module.with_bundle(read_page()) == read_page()


def test_installation_that_nobody_may_write_to_has_a_bundle(
    small_streamlit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MADE", small_streamlit / "both.1.js" / "made")
    assert make_again() is not None


@pytest.mark.parametrize(
    ("accept", "encoding"), [("gzip, br", "br"), ("gzip", "gzip"), ("br;q=0, identity", None)]
)
def test_modules_arrive_in_the_best_accepted_encoding(
    signed_in: httpx.Client, bundle: Bundle, accept: str, encoding: str | None
) -> None:
    decode = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[encoding]
    for name in (START, min(names_of(("Selectbox.",))), min(bundle.names)):
        with signed_in.stream(
            "GET", f"{bundle.folder}js/{name}", headers={"accept-encoding": accept}
        ) as answer:
            body = b"".join(answer.iter_raw())
        assert (answer.status_code, answer.headers.get("content-encoding")) == (200, encoding)
        assert decode(body) == bundle.read(name)
        assert answer.headers["cache-control"] == "public, immutable, max-age=31536000"
        assert answer.headers["content-type"].startswith("text/javascript")


def test_files_that_modules_name_are_those_of_streamlit(signed_in: httpx.Client, bundle: Bundle) -> None:
    style = min(path.name for path in (CODE.parent / "css").iterdir())
    picture = min(path.name for path in (CODE.parent / "media").iterdir())
    for path in (f"css/{style}", f"media/{picture}"):
        moved, own = signed_in.get(bundle.folder + path), signed_in.get(f"/static/{path}")
        assert (moved.status_code, moved.content) == (own.status_code, own.content) == (200, own.content)


def test_other_addresses_of_the_folder_are_not_found(signed_in: httpx.Client, bundle: Bundle) -> None:
    for path in ("js/", "js/nowhere.js", "js/..%2f..%2findex.html", "js/x/start.js"):
        answer = signed_in.get(bundle.folder + path)
        assert answer.status_code == 404, path
        assert answer.headers["cache-control"] == "no-store"


def test_bundle_needs_a_session(server: AppServer, bundle: Bundle) -> None:
    assert httpx.get(server.url + bundle.address).status_code == 401
