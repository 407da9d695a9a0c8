"""One folder per page: page.py and the parts that only it uses."""
