"""The kinds of advice, a module each: facts in, advice out."""
