// The auth server: the auth part of @supabase/lite. Its database role can access only the schema auth.
import { fileURLToPath } from "node:url";
import { App } from "@supabase/lite";
import { createPostgresConnection } from "@supabase/lite/postgres";
import { Accounts } from "./accounts.mjs";
import { AuthDoor } from "./auth_door.mjs";
import { MINIMUM_PASSWORD_LENGTH } from "./common_passwords.mjs";
import { mailDriver } from "./mail.mjs";
import { databaseUrl } from "./settings.mjs";

const ACCESS_TOKEN_SECONDS = 3600;
const RECOVERY_MAIL = {
  subject: "Your code for Tally",
  content_path: fileURLToPath(new URL("recovery_mail.txt", import.meta.url)),
};

// Postgres prints `2026-11-20 12:33:32+00`; Supabase's clients require ISO 8601.
const isoTime = (text) => text.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00");
const TIMESTAMPTZ = { to: 1184, from: [1184], serialize: (value) => value, parse: isoTime };

export async function startAuth(settings) {
  const connection = createPostgresConnection({
    url: databaseUrl(settings, "supabase_auth_admin"),
    postgresOptions: { max: 6, onnotice: () => {}, types: { timestamptz: TIMESTAMPTZ } },
  });
  // A private field of 0.10.0. If it is not set, the first request grants every table to anon, or turns
  // checks off for good.
  connection.rlsState = "active";
  const app = new App({
    connection,
    db: { migrations: { enabled: false } },
    auth: authConfig(settings),
    options: { drivers: { email: mailDriver(settings) } },
  });
  await app.ensureSystemSchema();
  const accounts = new Accounts(settings);
  // lite grants more to loopback peers. Requests from the gateway must not count as such.
  const server = (request) => app.fetch(request, { peerAddress: null });
  const door = new AuthDoor({ server, accounts, secret: settings.secrets.jwt_secret });
  return {
    handle: (request, response, url) => door.handle(request, response, url),
    stop: async () => {
      await Promise.all([connection.close(), accounts.stop()]);
    },
  };
}

function authConfig({ secrets, siteUrl }) {
  return {
    enabled: true,
    jwt_secret: secrets.jwt_secret,
    jwt_expiry: ACCESS_TOKEN_SECONDS,
    publishable_key: secrets.publishable_key,
    secret_key: secrets.secret_key,
    site_url: siteUrl,
    enable_signup: true,
    minimum_password_length: MINIMUM_PASSWORD_LENGTH,
    enable_refresh_token_rotation: true,
    email: {
      enable_signup: true,
      enable_confirmations: false,
      otp_length: 6,
      template: { recovery: RECOVERY_MAIL },
    },
  };
}
