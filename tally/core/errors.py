"""Errors that a user can act on."""


class TallyError(Exception):
    """Error whose text tells the user what is wrong and what to do next."""


class NotSignedIn(TallyError):
    """This machine has no CLI session, or its session has ended."""
