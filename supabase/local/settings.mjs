// Settings of one run, all decided by `tally up`: folders, ports and secrets.
import { readFileSync } from "node:fs";
import path from "node:path";

export function readSettings(env = process.env) {
  const home = env.TALLY_HOME;
  const secrets = JSON.parse(readFileSync(path.join(home, "secrets.json"), "utf8"));
  return {
    home,
    secrets,
    gatewayPort: Number(env.TALLY_GATEWAY_PORT),
    postgresPort: Number(env.TALLY_POSTGRES_PORT),
    restPort: Number(env.TALLY_REST_PORT),
    lockDescriptor: Number(env.TALLY_LOCK_DESCRIPTOR ?? 2),
    siteUrl: env.TALLY_SITE_URL,
    smtpUrl: env.SMTP_URL || null,
    databaseOnly: env.TALLY_DATABASE_ONLY === "1",
    openSignup: env.TALLY_OPEN_SIGNUP === "1",
    postgrestBinary: env.POSTGREST_BIN || null,
    data: path.join(home, "postgres", "17"),
    logs: path.join(home, "logs"),
    outbox: path.join(home, "outbox"),
  };
}

export function databaseUrl(settings, role) {
  const password = settings.secrets.passwords[role];
  return `postgresql://${role}:${password}@127.0.0.1:${settings.postgresPort}/postgres?sslmode=disable`;
}

// stdio of the servers. They can outlive us, so they must not inherit the lock of TALLY_HOME. Node closes
// only low descriptors in a child, and "ignore" leaves a high one open, so the log replaces every descriptor
// up to the lock's.
export function serverStdio({ lockDescriptor }, log) {
  return ["ignore", ...Array(Math.max(2, lockDescriptor)).fill(log)];
}
