"""Shared workspaces of accounts on the stack under test."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg

from app.auth.identity import User
from app.auth.workspaces import Role, Workspace

ADD_WORKSPACE = """
insert into public.workspaces (id, name, timezone, currency, person_split) values (%s, %s, %s, %s, %s)"""
ADD_MEMBER = "insert into public.members (workspace_id, user_id, role) values (%s, %s, %s)"
SET_ROLE = "update public.members set role = %s where workspace_id = %s and user_id = %s"
REMOVE_MEMBER = "delete from public.members where workspace_id = %s and user_id = %s"


def new_team(
    job: psycopg.Connection[Any], user: User, role: Role = "owner", name: str = "Team", **settings: Any
) -> User:
    """The user in a new workspace, with this role there."""
    team = Workspace(str(uuid4()), role, name, **settings)
    job.execute(ADD_WORKSPACE, [team.workspace_id, name, team.timezone, team.currency, team.person_split])
    member = replace(user, workspace=team)
    join(job, member, user, role)
    return member


def join(job: psycopg.Connection[Any], member: User, user: User, role: Role) -> User:
    """Another user in the member's workspace, with this role there."""
    team = replace(member.workspace, role=role)
    job.execute(ADD_MEMBER, [team.workspace_id, user.user_id, role])
    return replace(user, workspace=team)


def set_role(job: psycopg.Connection[Any], member: User, role: Role) -> None:
    """Change the member's role, as an admin does."""
    job.execute(SET_ROLE, [role, member.workspace.workspace_id, member.user_id])


def remove(job: psycopg.Connection[Any], member: User) -> None:
    """Remove the member, as an admin does."""
    job.execute(REMOVE_MEMBER, [member.workspace.workspace_id, member.user_id])
