"""One reader for each vocabulary of attributes."""
