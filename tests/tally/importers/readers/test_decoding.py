"""Encodings of uploaded files: Unicode first, then those of spreadsheets."""

import codecs
from collections.abc import Sequence
from pathlib import Path

import pytest

from tally.importers import read_table
from tally.importers.readers.decoding import decode
from tests.every_case import every_case
from tests.tally.importers.golden import FIXTURES

WESTERN = ("Gebühr für März", "François préfère Málaga", "5 € für Müllers Größe", "Åsa Öberg, Malmö")
NOTES = {
    "cp1252": WESTERN,
    "cp1251": ("Анна Иванова", "отчёт за месяц", "оплата счёта"),
    "cp932": ("請求書の処理", "テスト 東京", "田中 プロジェクト"),
    "gb18030": ("发票处理 北京", "测试项目 开发", "王伟 模型 费用"),
    "euc_kr": ("청구서 처리", "서울 개발", "김민수 테스트"),
}


def file_with(notes: Sequence[str], rows: int = 20) -> str:
    """A table in which two of three rows have one of the notes."""
    lines = [
        f'2026-11-02,OpenAI,gpt-5.5,1.25,"{notes[row % len(notes)] if row % 3 else "invoice parser"}"\n'
        for row in range(rows)
    ]
    return "date,provider,model,cost,note\n" + "".join(lines)


def notes_of(data: bytes) -> list[str]:
    return [cells[-1] for _, cells in read_table(data, "usage.csv").rows]


@pytest.mark.parametrize("encoding", NOTES)
@pytest.mark.parametrize("unicode", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_is_never_guessed(encoding: str, unicode: str) -> None:
    text = file_with(NOTES[encoding])
    assert notes_of(text.encode(unicode)) == notes_of(text.encode())


@every_case([(encoding,) for encoding in NOTES])
def test_letters_survive_a_spreadsheet_of_each_region(encoding: str) -> None:
    text = file_with(NOTES[encoding])
    assert notes_of(text.encode(encoding)) == notes_of(text.encode())


@every_case([(encoding,) for encoding in NOTES])
def test_unicode_that_was_cut_off_is_still_unicode(encoding: str) -> None:
    text = file_with(NOTES[encoding])
    cut = text.encode() + "2026-11-03,OpenAI,gpt-5.5,1,ä".encode()[:-1]
    for data in (cut, codecs.BOM_UTF8 + cut):
        assert notes_of(data) == [*notes_of(text.encode()), "\N{REPLACEMENT CHARACTER}"]


def test_foreign_row_does_not_spoil_the_others() -> None:
    text = file_with(WESTERN)
    mixed = text.encode() + "2026-11-03,OpenAI,gpt-5.5,1,é\n".encode("latin-1")
    assert notes_of(mixed) == [*notes_of(text.encode()), "\N{REPLACEMENT CHARACTER}"]


@every_case([(note,) for note in WESTERN])
def test_a_single_western_note_is_enough(note: str) -> None:
    assert notes_of(file_with([note], rows=2).encode("cp1252")) == ["invoice parser", note]


@every_case([(sample,) for sample in sorted(FIXTURES.glob("*/sample.csv"))])
def test_western_notes_in_every_export_are_read_as_windows_1252(sample: Path) -> None:
    header, *rows = sample.read_text(encoding="utf-8-sig").splitlines()
    for note in ("Gebühr für März", "équipe", "Jürgen", "5 €"):
        text = "\n".join([f"note,{header}", *(f"{note},{row}" for row in rows)])
        data = text.encode("cp1252", errors="ignore")
        assert decode(data, "usage.csv") == data.decode("cp1252"), note
