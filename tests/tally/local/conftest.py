"""Fixtures for the tests that start and stop their own `tally up`."""

from tests.supabase.conftest import home as home
