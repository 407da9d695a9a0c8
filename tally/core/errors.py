"""What a person must mend before Tally can go on."""


class TallyError(Exception):
    """The text is one clear sentence that says what is wrong and what to do next."""
