"""Tally's domain: records, importers, prices, storage and the command line, without Streamlit."""
