"""The place of files that are kept for workspaces, which is a setting of the server."""

PLACE = "tally_focus_url"
PLACE_FAILS = (
    "The place of the files cannot be used. The log of the nightly run says why; its operator can help."
)
NO_PLACE = "This server has no place for such files. Its operator names one in TALLY_FOCUS_URL."
