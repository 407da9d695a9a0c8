"""Change of the password from the dashboard."""

import streamlit as st

from app.auth.cookies import cookie_name, devices_of
from app.auth.identity import User
from app.auth.rate_limits import PASSWORD_CHANGES
from app.auth.session_keys import session_id
from app.auth.sessions import sessions
from tally.accounts.auth_client import AuthRefused, auth_client, check_new_password


def change_password(user: User, current_password: str, new_password: str) -> None:
    """Set a new password and end the user's other sessions; raises AuthError."""
    check_new_password(new_password)
    PASSWORD_CHANGES.count(user.user_id)
    _check_current_password(user, current_password)
    PASSWORD_CHANGES.reset(user.user_id)
    auth_client().change_password(user.access_token, new_password, current_password)
    auth_client().sign_out(user.access_token, "others")
    sessions().close_all(user.user_id, keep=_own_session_id())


def _check_current_password(user: User, password: str) -> None:
    """Check the current password, so that an unattended browser is not enough to take over an account.

    Tally's own stack checks it again with the change; a hosted project does so only if it is set to.
    """
    try:
        probe = auth_client().sign_in(user.email, password, devices_of(st.context.cookies))
    except AuthRefused as refused:
        if refused.code == "invalid_credentials":
            raise AuthRefused("Your current password is wrong.", refused.code) from None
        raise
    auth_client().sign_out(probe.access_token)


def _own_session_id() -> str | None:
    cookie = st.context.cookies.get(cookie_name())
    return session_id(cookie) if cookie else None
