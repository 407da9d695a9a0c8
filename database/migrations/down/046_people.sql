-- The way back from 046_people.sql.

drop function if exists public.leave_workspace(uuid);
drop function if exists public.remove_member(uuid, uuid);
drop function if exists public.transfer_ownership(uuid, uuid);
drop function if exists public.set_role(uuid, uuid, text);
drop function if exists private.require_another_owner(uuid, uuid);
drop function if exists private.require_rank_over(uuid, uuid);
drop function if exists private.begin_change(uuid, text);
drop function if exists private.rank_of(text);
drop trigger if exists members_remember on public.members;
drop function if exists private.remember_member();
drop trigger if exists members_keep_personal on public.members;
drop function if exists private.keep_personal();
drop trigger if exists members_note_delete on public.members;
drop trigger if exists members_note_update on public.members;
drop trigger if exists members_note_insert on public.members;
drop table if exists private.former_members;
