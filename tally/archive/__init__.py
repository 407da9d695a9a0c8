"""Records that left Postgres for Parquet files on cheap storage, and back."""
