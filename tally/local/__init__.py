"""Tally on one machine: the embedded Supabase stack, its state and its supervisor."""
