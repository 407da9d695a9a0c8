"""Files of runs are read whole or refused with the place and the reason of each fault."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tally.experiments.runs_file import parse_file
from tally.experiments.sent import Faulty, list_parameters

CSV = """variant,session,item_key,cost_usd,latency_ms,ok,score:correct,score:length
A,s1,q1,0.0418,12900,true,pass,120
B,s2,q1,0.0259,,no,fail,
"""


def parse(text: str | bytes, kind: str = "bool") -> list[Any]:
    return parse_file(text if isinstance(text, bytes) else text.encode(), "correct", kind)


def test_csv_and_json_bring_the_same() -> None:
    runs = [
        {
            "variant": "A",
            "session": "s1",
            "item_key": "q1",
            "cost_usd": "0.0418",
            "latency_ms": 12900,
            "ok": True,
        }
        | {"scores": [{"name": "correct", "value": 1}, {"name": "length", "kind": "number", "value": 120}]},
        {"variant": "B", "session": "s2", "item_key": "q1", "cost_usd": 0.0259, "ok": False}
        | {"scores": [{"name": "correct", "value": 0}]},
    ]
    assert parse(CSV) == parse(json.dumps(runs)) == parse(json.dumps({"runs": runs}))
    assert parse(CSV.replace(",", ";")) == parse(b"\xef\xbb\xbf" + CSV.encode().replace(b"\n", b"\r\n"))


def test_columns_are_known_in_any_case_and_scores_keep_theirs() -> None:
    [run] = parse("Variant,SESSION,Cost_USD,Score:Tone\nA,s1,0.5,3\n")
    assert (run.variant, run.session, run.cost_usd) == ("A", "s1", Decimal("0.5"))
    assert [score.name for score in run.scores] == ["Tone"]


def test_arguments_keep_the_digits_of_money() -> None:
    runs = parse("variant,session,cost_usd,score\nA,s1,0.0000000001,1\n")
    assert list_parameters(runs) == {
        "runs": [{"variant": "A", "session": "s1", "cost_usd": "1E-10"}],
        "scores": [{"name": "correct", "kind": "bool", "value": "1", "by": "code", "session": "s1"}],
    }
    assert runs[0].cost_usd == Decimal("1e-10")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("variant,session,Session\nA,s1,s2\n", "the column “session” is there twice; keep one"),
        ("variant,session,score,score:correct\nA,s1,1,0\n", "the column “score:correct” is there twice"),
        ("variant,session,\nA,s1,\n", "the column “” is not known"),
        ("variant,session,score\nA,s1,NaN\n", "line 2, scores.0.value"),
        ("variant,session,score\nA,s1,maybe\n", "line 2, scores.0.value"),
        ("variant,session,score\nA,s1,2\n", "a bool is 0 or 1"),
        ("variant,session,cost_usd\nA,s1,NaN\n", "line 2, cost_usd"),
        ("variant,session,cost_usd\nA,s1,-1\n", "line 2, cost_usd"),
        ("variant,session\nA,s1\nB,s1\n", "run s1: is in two variants, A and B"),
        (
            "variant,session,score\nA,s1,1\nA,s1,0\n",
            "score correct: is there twice, with 1 and 0: send it once",
        ),
        ("variant,session\nA,\n", "line 2, session"),
        ("variant,session\nA,s1,extra\n", "more cells than columns"),
        ("variant,cost\nA,1\n", "the column “cost” is not known"),
        ("variant\nA\n", "the column “session” is missing"),
        ("variant,session\n", "it has no runs"),
        ("", "the column “variant” is missing"),
        ("[1, 2", "it is not JSON"),
        ('{"run": []}', "neither a list of runs"),
        ("[1]", "run 1"),
        ('[{"variant": "A", "session": "s\\u0000"}]', "cannot be stored"),
        (b"variant,session\nA,\xff\n", "not text in UTF-8"),
        ("variant,session,happened_at\nA,s1,2026-11-03 12:00\n", "line 2, happened_at"),
    ],
)
def test_fault_is_named_with_its_place(text: str | bytes, sentence: str) -> None:
    with pytest.raises(Faulty) as refused:
        parse(text)
    assert str(refused.value).startswith("Nothing was saved. ")
    assert sentence in str(refused.value)


def test_rating_outside_one_to_five_is_refused() -> None:
    assert parse("variant,session,score\nA,s1,4.5\n", "rating")[0].scores[0].value == Decimal("4.5")
    with pytest.raises(Faulty, match="from 1 to 5"):
        parse("variant,session,score\nA,s1,6\n", "rating")


def test_many_faults_are_counted() -> None:
    with pytest.raises(Faulty, match="and 15 more") as refused:
        parse("variant,session,cost_usd\n" + "A,s,x\n" * 20)
    assert len(refused.value.faults) == 20
