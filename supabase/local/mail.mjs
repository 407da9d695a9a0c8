// Delivery of the auth server's emails: by SMTP if SMTP_URL is set, else into the outbox folder.
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { SmtpEmailDriver } from "@supabase/lite";
import { notice, StackError } from "./report.mjs";

export function mailDriver(settings) {
  const driver = settings.smtpUrl ? new SmtpMail(settings.smtpUrl) : new OutboxMail(settings.outbox);
  return { send: (message) => driver.send(inPlainText(message)) };
}

// The only email's template is plain text. lite passes it as html, beside a text of its own.
function inPlainText({ to, subject, html }) {
  return { to, subject, text: html };
}

class OutboxMail {
  constructor(folder) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  async send({ to, subject, text }) {
    const sentAt = new Date().toISOString();
    const code = findCode(text);
    const file = path.join(
      this.folder,
      `${sentAt.replaceAll(":", "-")}-${randomBytes(3).toString("hex")}.json`,
    );
    const mail = { to, subject, code, sent_at: sentAt, text };
    writeFileSync(file, `${JSON.stringify(mail, null, 2)}\n`, { mode: 0o600, flag: "wx" });
  }
}

class SmtpMail {
  // smtp://user:password@host:587?from=tally@example.org, or smtps:// for implicit TLS.
  constructor(address) {
    const url = parseAddress(address);
    this.driver = new SmtpEmailDriver({
      host: url.hostname,
      port: Number(url.port) || (url.protocol === "smtps:" ? 465 : url.username ? 587 : 25),
      secure: url.protocol === "smtps:",
      user: decodeURIComponent(url.username) || undefined,
      pass: decodeURIComponent(url.password) || undefined,
      from: url.searchParams.get("from") ?? `tally@${url.hostname}`,
    });
  }

  async send(message) {
    try {
      await this.driver.send(message);
    } catch (error) {
      notice(`An email to ${message.to} was not sent: ${error.message}. Check SMTP_URL.`);
      throw error;
    }
  }
}

function parseAddress(address) {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url?.hostname && ["smtp:", "smtps:"].includes(url.protocol)) return url;
  throw new StackError(
    "SMTP_URL must be the address of a mail server, such as smtp://user:password@host:587.",
  );
}

function findCode(text) {
  return text.match(/\b\d{6}\b/)?.[0] ?? null;
}
