-- The way back from 099_custom_models.sql. Models of workspaces are deleted with it; their records stay.

drop table if exists public.custom_models;
