"""Tally on one machine: the embedded Supabase stand-in, its state and its supervisor."""
