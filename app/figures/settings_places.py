"""Settings as places to jump to: their names, other words for them, and the part of their page."""

from dataclasses import dataclass

ACCOUNT, WORKSPACE, PEOPLE = "My account", "Workspace", "People"
PROJECTS, ALERTS, TRACES, AUDIT_LOG = "Projects", "Alerts", "Traces", "Audit log"


@dataclass(frozen=True, slots=True)
class SettingPlace:
    """A setting; `is_shared` tells which workspaces have it, None all."""

    name: str
    section: str
    words: str = ""
    is_shared: bool | None = None
    for_admins: bool = False


PLACES = (
    SettingPlace("Time zone", ACCOUNT, "clock days local hours timezone"),
    SettingPlace("Currency", ACCOUNT, "euro dollar money convert"),
    SettingPlace("Theme", ACCOUNT, "dark light appearance colours colors"),
    SettingPlace("Default date range", ACCOUNT, "period days"),
    SettingPlace("Forecast updates", ACCOUNT, "prediction"),
    SettingPlace("Weekly and monthly mail", ACCOUNT, "email digest report summary unsubscribe"),
    SettingPlace("Password", ACCOUNT, "change sign in login security"),
    SettingPlace("Export your data", ACCOUNT, "download backup csv json"),
    SettingPlace("New workspace", ACCOUNT, "create team organisation organization company"),
    SettingPlace("Sample data", ACCOUNT, "demo example remove load"),
    SettingPlace("Delete account", ACCOUNT, "close remove erase"),
    SettingPlace("Workspace name", WORKSPACE, "rename general team", is_shared=True),
    SettingPlace("Time zone of the workspace", WORKSPACE, "clock days timezone", is_shared=True),
    SettingPlace("Who sees whose costs", WORKSPACE, "visibility privacy members share", is_shared=True),
    SettingPlace("Export the workspace's data", WORKSPACE, "download backup csv json", is_shared=True),
    SettingPlace("Leave workspace", WORKSPACE, "quit exit", is_shared=True),
    SettingPlace("Delete workspace", WORKSPACE, "transfer ownership remove erase close", is_shared=True),
    SettingPlace("Members", PEOPLE, "people roles remove users admins team", is_shared=True),
    SettingPlace("Invitations", PEOPLE, "invite add member user colleague", is_shared=True, for_admins=True),
    SettingPlace("Names of people", PEOPLE, "aliases emails assign", is_shared=True, for_admins=True),
    SettingPlace("Projects", PROJECTS, "create archive private"),
    SettingPlace("Rules that file records", PROJECTS, "assign automatic folder repository tag"),
    SettingPlace("Notifications", ALERTS, "channel email slack webhook discord telegram"),
    SettingPlace("Alert rules", ALERTS, "spike anomaly what to alert about"),
    SettingPlace("Limits of models", ALERTS, "latency errors performance slow"),
    SettingPlace("Days to keep traces", TRACES, "retention delete old"),
    SettingPlace("Prompts and answers of traces", TRACES, "content privacy keep record redact"),
    SettingPlace("Audit log", AUDIT_LOG, "history changes who did what", for_admins=True),
)


def list_settings(is_personal: bool, may_administer: bool) -> list[SettingPlace]:
    """The settings that a workspace has, and that a role may see."""
    return [
        place
        for place in PLACES
        if place.is_shared in (None, not is_personal) and (may_administer or not place.for_admins)
    ]
