"""Values that every other room may use: records, amounts, errors, settings."""
