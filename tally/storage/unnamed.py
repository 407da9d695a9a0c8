"""Ids for what has no name in the splits of daily_costs: no project, hidden projects, other people."""

UNASSIGNED = "00000000-0000-0000-0000-000000000000"
OTHER_PROJECTS = "ffffffff-ffff-ffff-ffff-ffffffffffff"
OTHER_PEOPLE = UNASSIGNED
UNNAMED = {UNASSIGNED: "Unassigned", OTHER_PROJECTS: "Other projects"}
UNNAMED_PEOPLE = {OTHER_PEOPLE: "Other people"}
