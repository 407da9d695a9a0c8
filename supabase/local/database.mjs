// Prepares a running PostgreSQL like a fresh Supabase project: bootstrap.sql, and a password for each role.
import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import { StackError } from "./report.mjs";
import { databaseUrl } from "./settings.mjs";

const CANNOT_CONNECT_NOW = "57P03";
const LOGIN_ROLES = ["postgres", "authenticator", "supabase_auth_admin", "tally_api"];

export async function prepareDatabase(settings) {
  const sql = postgres(databaseUrl(settings, "supabase_admin"), { max: 1, onnotice: () => {} });
  try {
    await sql.unsafe(readFileSync(new URL("bootstrap.sql", import.meta.url), "utf8"));
    for (const role of LOGIN_ROLES) {
      await sql.unsafe(`alter role ${role} password '${scramVerifier(settings.secrets.passwords[role])}'`);
    }
  } catch (error) {
    if (error.code !== "28P01") throw error;
    throw new StackError(
      `The database refuses the password in ${settings.home}/secrets.json, which belongs to other data. ` +
        `Restore the right secrets.json, or move ${settings.home}/postgres away to start empty.`,
    );
  } finally {
    await sql.end({ timeout: 5 });
  }
}

// Waits while the database recovers from a crash, up to this long.
export async function waitForRecovery(settings, longestMs) {
  const deadline = Date.now() + longestMs;
  while ((await isRecovering(settings)) && Date.now() < deadline) await sleep(100);
}

async function isRecovering(settings) {
  const sql = postgres(databaseUrl(settings, "supabase_admin"), {
    max: 1,
    connect_timeout: 5,
    onnotice: () => {},
  });
  try {
    await sql`select 1`;
    return false;
  } catch (error) {
    return error.code === CANNOT_CONNECT_NOW && !/shutting down/.test(error.message);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

// The verifier that Postgres would store (RFC 5803). Computed here, so that no password appears in a
// statement, a log or pg_stat_statements.
function scramVerifier(password, iterations = 4096) {
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, iterations, 32, "sha256");
  const keyed = (text) => createHmac("sha256", salted).update(text).digest();
  const stored = createHash("sha256").update(keyed("Client Key")).digest("base64");
  const server = keyed("Server Key").toString("base64");
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${stored}:${server}`;
}
