"""Scripts that make files of the documentation."""
