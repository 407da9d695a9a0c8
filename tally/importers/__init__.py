"""Importers: one file per source of usage exports."""
