"""Files as tables: encodings, containers, dates, currencies."""
