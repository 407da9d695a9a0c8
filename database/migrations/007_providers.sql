-- 007_providers.sql: who is paid.

-- public.providers: read by every signed-in user, written by migrations and services.
create table if not exists public.providers (
    id uuid primary key default gen_random_uuid(),
    name text not null unique check (name ~ '^[a-z0-9][a-z0-9-]{0,49}$'),
    display_name text not null check (length(display_name) between 1 and 100),
    api_base_url text check (length(api_base_url) <= 300),
    is_active boolean not null default true,
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 65536),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
alter table public.providers enable row level security;
revoke all on public.providers from anon, authenticated, service_role;
grant select on public.providers to authenticated;
grant select, insert, update, delete on public.providers to service_role;

drop policy if exists providers_select_signed_in on public.providers;
create policy providers_select_signed_in
    on public.providers
    for select
    to authenticated
    using ((select auth.uid()) is not null);

create or replace trigger providers_touch
    before update on public.providers
    for each row execute function private.touch_updated_at();

-- The ids are fixed: records that are copied or restored into another database keep their providers.
insert into public.providers (id, name, display_name, api_base_url)
values
    ('7a110000-0000-4000-8000-000000000001', 'anthropic', 'Anthropic', 'https://api.anthropic.com'),
    ('7a110000-0000-4000-8000-000000000002', 'claude-desktop', 'Claude', null),
    ('7a110000-0000-4000-8000-000000000003', 'openai', 'OpenAI', 'https://api.openai.com/v1'),
    ('7a110000-0000-4000-8000-000000000004', 'chatgpt', 'ChatGPT', null),
    ('7a110000-0000-4000-8000-000000000005', 'google', 'Google', null),
    ('7a110000-0000-4000-8000-000000000006', 'gemini-app', 'Gemini', null),
    ('7a110000-0000-4000-8000-000000000007', 'mistral', 'Mistral', null),
    ('7a110000-0000-4000-8000-000000000008', 'xai', 'xAI', null),
    ('7a110000-0000-4000-8000-000000000009', 'deepseek', 'DeepSeek', null),
    ('7a110000-0000-4000-8000-000000000010', 'groq', 'Groq', null),
    ('7a110000-0000-4000-8000-000000000011', 'openrouter', 'OpenRouter', 'https://openrouter.ai/api/v1'),
    ('7a110000-0000-4000-8000-000000000012', 'cursor', 'Cursor', null),
    ('7a110000-0000-4000-8000-000000000013', 'github-copilot', 'GitHub Copilot', null),
    ('7a110000-0000-4000-8000-000000000014', 'perplexity', 'Perplexity', null),
    ('7a110000-0000-4000-8000-000000000015', 'azure', 'Azure', null),
    ('7a110000-0000-4000-8000-000000000016', 'aws-bedrock', 'Amazon Bedrock', null),
    ('7a110000-0000-4000-8000-000000000017', 'together', 'Together AI', null),
    ('7a110000-0000-4000-8000-000000000018', 'fireworks', 'Fireworks AI', null),
    ('7a110000-0000-4000-8000-000000000019', 'cohere', 'Cohere', null),
    ('7a110000-0000-4000-8000-000000000020', 'elevenlabs', 'ElevenLabs', null),
    ('7a110000-0000-4000-8000-000000000021', 'replicate', 'Replicate', null),
    ('7a110000-0000-4000-8000-000000000022', 'midjourney', 'Midjourney', null),
    ('7a110000-0000-4000-8000-000000000023', 'huggingface', 'Hugging Face', null),
    ('7a110000-0000-4000-8000-000000000024', 'litellm', 'LiteLLM', null),
    ('7a110000-0000-4000-8000-000000000025', 'helicone', 'Helicone', null),
    ('7a110000-0000-4000-8000-000000000026', 'langfuse', 'Langfuse', null),
    ('7a110000-0000-4000-8000-000000000027', 'windsurf', 'Windsurf', null),
    ('7a110000-0000-4000-8000-000000000028', 'other', 'Other', null),
    ('7a110000-0000-4000-8000-000000000029', 'zai', 'Z.ai', null),
    ('7a110000-0000-4000-8000-000000000030', 'moonshot', 'Moonshot AI', null),
    ('7a110000-0000-4000-8000-000000000031', 'minimax', 'MiniMax', null),
    ('7a110000-0000-4000-8000-000000000032', 'alibaba', 'Alibaba Cloud', null),
    ('7a110000-0000-4000-8000-000000000033', 'xiaomi', 'Xiaomi', null),
    ('7a110000-0000-4000-8000-000000000034', 'zhipuai', 'Zhipu AI', null),
    ('7a110000-0000-4000-8000-000000000035', 'cerebras', 'Cerebras', null),
    ('7a110000-0000-4000-8000-000000000036', 'baseten', 'Baseten', null),
    ('7a110000-0000-4000-8000-000000000037', 'novita', 'Novita AI', null),
    ('7a110000-0000-4000-8000-000000000038', 'cloudflare', 'Cloudflare', null),
    ('7a110000-0000-4000-8000-000000000039', 'databricks', 'Databricks', null),
    ('7a110000-0000-4000-8000-000000000040', 'local', 'Local models', null)
on conflict (name) do update
    set
        display_name = excluded.display_name,
        api_base_url = excluded.api_base_url;
