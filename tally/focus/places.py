"""The place of files that are kept for workspaces, which is a setting of the server."""

SETTING = "TALLY_FOCUS_URL"
PLACE = SETTING.lower()  # as it is in the environment that was read
PLACE_FAILS = (
    "The place of the files cannot be used. The log of the nightly run says why; its operator can help."
)
NO_PLACE = f"This server has no place for such files. Its operator names one in {SETTING}."
