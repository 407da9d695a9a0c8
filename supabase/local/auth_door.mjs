// The door of the auth server: what it is asked, how often, and what must be shown first.
import { randomBytes, randomUUID } from "node:crypto";
import bcrypt from "bcryptjs";
import { Attempts } from "./attempts.mjs";
import { readRequest } from "./auth_requests.mjs";
import { isCommon } from "./common_passwords.mjs";
import { DEVICE_HEADER, Devices } from "./devices.mjs";
import { notice } from "./report.mjs";
import { signedClaims } from "./tokens.mjs";

const HOUR = 3600;
// A code is one of a million and lives for an hour: 15 guesses succeed once in 66,000 attacks.
const GUESSES = { passwords: 20, codes: 15, ofOneCode: 5, mailsAnHour: 10 };
// A session from an emailed code or link may set a password for this long.
const FRESH_MS = 15 * 60 * 1000;

export class AuthDoor {
  constructor({ server, accounts, secret, now = Date.now }) {
    this.server = server; // (Request) => Promise<Response>
    this.accounts = accounts;
    this.secret = secret;
    this.now = now;
    this.devices = new Devices(secret);
    this.passwords = new Attempts(GUESSES.passwords, HOUR, now);
    this.codes = new Attempts(GUESSES.codes, HOUR, now);
    this.ofOneCode = new Attempts(GUESSES.ofOneCode, HOUR, now);
    this.mails = new Attempts(GUESSES.mailsAnHour, HOUR, now);
    this.mailsInARow = new Attempts(1, 60, now);
    this.fresh = new Map();
    // What an unknown address is compared with, at the cost of a known one's password.
    this.decoy = bcrypt.hash("", Number(process.env.LITE_AUTH_BCRYPT_COST) || 10);
  }

  async handle(request, response, url) {
    const asked = await readRequest(request, url);
    const answer = asked.rule
      ? await this[`_${asked.rule}`]({ ...asked, headers: request.headers })
      : refusal(asked.status, asked.code, asked.message);
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(Buffer.from(await answer.arrayBuffer()));
  }

  _pass({ method, target, headers, fields }) {
    const { apikey, authorization } = headers;
    return this.server(
      new Request(`http://gateway${target}`, {
        method,
        headers: { "content-type": "application/json", apikey, ...(authorization && { authorization }) },
        ...(method !== "GET" && { body: JSON.stringify(fields) }),
      }),
    );
  }

  async _signIn(asked) {
    const { email = "", password = "" } = asked.fields;
    const device = this.devices.find(asked.headers[DEVICE_HEADER], email);
    const key = `${email} ${device ?? ""}`;
    const wait = this.passwords.count(key);
    if (wait) return tooMany(wait, "too_many_passwords");
    const answer = await this._pass(asked);
    if (answer.ok) {
      this.passwords.refund(key);
      answer.headers.set(DEVICE_HEADER, device ?? this.devices.name(email));
    } else if (!(await this.accounts.exists(email))) {
      await bcrypt.compare(password, await this.decoy);
    }
    return answer;
  }

  async _refresh(asked) {
    if (await this.accounts.endReused(asked.fields.refresh_token ?? "")) {
      return refusal(400, "refresh_token_already_used", "This refresh token was used before.");
    }
    return this._pass(asked);
  }

  async _signUp(asked) {
    const { email = "", password = "" } = asked.fields;
    if (!(await this.accounts.maySignUp(email))) {
      return refusal(422, "signup_disabled", "New accounts are for invited people.");
    }
    if (await isCommon(password)) return weak();
    return (await this.accounts.confirmsByMail(email)) ? this.#signUpByMail(asked) : this._pass(asked);
  }

  // The same answer for every address, given before anything is done. Whoever reads its emails gets a code
  // to choose a password with; the one that was sent may be a stranger's, and is never used.
  #signUpByMail(asked) {
    const { email } = asked.fields;
    const create = async () => {
      if (await this.accounts.exists(email)) return;
      const password = randomBytes(32).toString("base64url");
      await this._pass({ ...asked, fields: { email, password } });
    };
    return this.#mailCode(asked, create, { ...madeUpUser(email), confirmed_by: "code" });
  }

  // Of what Supabase tells about a project, only if anyone may sign up.
  async _settings() {
    return Response.json({ disable_signup: !(await this.accounts.maySignUp("")) });
  }

  async _sendCode(asked) {
    return this.#mailCode(asked, async () => {});
  }

  // Answered before it is done: the time must not tell if there is such an account.
  #mailCode({ headers, fields: { email = "" } }, prepare, answer = {}) {
    const wait = this.mailsInARow.count(email) || this.mails.count(email);
    if (wait) return tooMany(wait, "over_email_send_rate_limit");
    const request = { method: "POST", target: "/auth/v1/recover", headers, fields: { email } };
    prepare()
      .then(() => this._pass(request))
      .catch((error) => notice(`A code was not sent: ${error.message}`));
    return Response.json(answer);
  }

  async _redeemCode(asked) {
    const { type, email = "" } = asked.fields;
    if (type !== "recovery") return refusal(400, "validation_failed", "Codes are for lost passwords only.");
    const key = `${email} ${this.devices.find(asked.headers[DEVICE_HEADER], email) ?? ""}`;
    const wait = this.codes.count(key);
    if (wait) return tooMany(wait, "too_many_codes");
    if (this.ofOneCode.count(`${key} ${await this.accounts.codeSentAt(email)}`)) {
      return refusal(403, "otp_expired", "This code was tried too often. Request a new one.");
    }
    return this._redeemLink(asked);
  }

  async _redeemLink(asked) {
    const answer = await this._pass(asked);
    if (answer.ok && asked.fields.type === "recovery") await this.#remember(answer.clone());
    return answer;
  }

  // A stolen access token is not enough.
  async _changePassword(asked) {
    const { password = "", current_password: current } = asked.fields;
    const claims = signedClaims(asked.headers.authorization, this.secret);
    if (!claims?.session_id) return refusal(401, "no_authorization", "Sign in first.");
    if (await isCommon(password)) return weak();
    if (!this.#isFresh(claims.session_id)) {
      const refused = await this.#checkPassword(claims, current, asked.headers);
      if (refused) return refused;
    }
    return this._pass({ ...asked, fields: { password } });
  }

  // Null if the password is right, else the refusal.
  async #checkPassword({ email, sub }, password, headers) {
    if (!password) return refusal(401, "reauthentication_needed", "Give the current password.");
    const key = `change ${sub}`;
    const wait = this.passwords.count(key);
    if (wait) return tooMany(wait, "too_many_passwords");
    const target = "/auth/v1/token?grant_type=password";
    const { apikey } = headers;
    const answer = await this._pass({
      method: "POST",
      target,
      headers: { apikey },
      fields: { email, password },
    });
    if (!answer.ok) return answer;
    this.passwords.refund(key);
    const { access_token: token } = await answer.json();
    await this._pass({
      method: "POST",
      target: "/auth/v1/logout?scope=local",
      headers: { apikey, authorization: `Bearer ${token}` },
      fields: {},
    });
    return null;
  }

  async #remember(answer) {
    const claims = signedClaims((await answer.json()).access_token, this.secret);
    for (const [session, until] of this.fresh) if (until <= this.now()) this.fresh.delete(session);
    if (claims) this.fresh.set(claims.session_id, this.now() + FRESH_MS);
  }

  #isFresh(session) {
    return this.fresh.get(session) > this.now();
  }
}

function refusal(status, code, msg, details = {}, headers = {}) {
  return Response.json({ code: status, error_code: code, msg, ...details }, { status, headers });
}

// What Supabase answers when it does not tell if there is an account.
function madeUpUser(email) {
  const now = new Date().toISOString();
  const nothing = { app_metadata: {}, user_metadata: {}, identities: [] };
  return {
    id: randomUUID(),
    aud: "authenticated",
    role: "",
    email,
    created_at: now,
    updated_at: now,
    ...nothing,
  };
}

function tooMany(seconds, code) {
  return refusal(429, code, "Too many attempts.", {}, { "retry-after": String(seconds) });
}

function weak() {
  const details = { weak_password: { reasons: ["pwned"] } }; // clients of Supabase read it
  return refusal(422, "weak_password", "It is one of the passwords that are used most.", details);
}
