"""Lists of lines: one element for narrow pages, in which names stay text."""

from streamlit.testing.v1 import AppTest

from app.ui.line_list import Line, draw_lines
from app.ui.theme import LIGHT


def test_names_and_details_stay_text() -> None:
    drawn = draw_lines([Line("<b>one</b>", "$1 & more"), Line("two", "[a](b)")], LIGHT)
    assert "<li>&lt;b&gt;one&lt;/b&gt;<div>$1 &amp; more</div></li>" in drawn
    assert "<li>two<div>[a](b)</div></li>" in drawn


def test_name_leads_to_an_address() -> None:
    drawn = draw_lines([Line("<b>", "$1", '/explore?where="x"&per=day')], LIGHT)
    address = "/explore?where=&quot;x&quot;&amp;per=day"
    assert f'<li><a class="tally-go" href="{address}" target="_self">&lt;b&gt;</a><div>$1</div></li>' in drawn


def _page(rows: int) -> None:
    import pandas as pd

    from app.ui import columns, line_list

    names = [str(nth) for nth in range(rows)]
    lines = [line_list.Line(name, "") for name in names]
    frame = pd.DataFrame({"name": names}, dtype=object)
    line_list.render_lines(frame, {"name": columns.name("Name")}, "Names", "names", lines)


def test_a_list_is_one_element_however_long_it_is() -> None:
    page = AppTest.from_function(_page, kwargs={"rows": 40}).run()
    assert not page.exception
    [listed] = page.get("html")
    assert listed.proto.body.count("<li>") == 40
    assert not page.text
    assert not page.caption
