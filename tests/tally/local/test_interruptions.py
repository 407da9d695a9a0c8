"""A database that ends while a command works on it: a sentence, and everything else as it was."""

import psycopg
import pytest

from tally.local.interruptions import Interrupted, naming_interruptions
from tally.local.stack import Stack
from tests.embedded import free_port_block
from tests.supabase.parts import connect

SENTENCE = r"^The database stopped answering before this was done\. Run `tally backup` again in a moment; "


def test_lost_connection_is_a_sentence(stack: Stack) -> None:
    with (
        pytest.raises(Interrupted, match=SENTENCE),
        naming_interruptions("tally backup"),
        connect(stack) as connection,
    ):
        connection.execute("select pg_terminate_backend(pg_backend_pid())")


def test_refused_connection_is_a_sentence() -> None:
    with pytest.raises(Interrupted, match=SENTENCE), naming_interruptions("tally backup"):
        psycopg.connect(host="127.0.0.1", port=free_port_block(), user="x", dbname="x")


def test_other_failures_stay_what_they_are(stack: Stack) -> None:
    for statement, error in (
        ("select 1 / 0", psycopg.errors.DivisionByZero),
        ("set statement_timeout = '1ms'; select pg_sleep(1)", psycopg.errors.QueryCanceled),
    ):
        with pytest.raises(error), naming_interruptions("tally backup"), connect(stack) as connection:
            connection.execute(statement)
