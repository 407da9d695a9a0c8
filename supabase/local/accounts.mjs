// Questions about accounts that @supabase/lite does not answer.
import postgres from "postgres";
import { databaseUrl } from "./settings.mjs";

// A client that got no answer may repeat its request; later, a spent token is a stolen one.
const REPEATED_WITHIN = "60 seconds";

export class Accounts {
  constructor(settings) {
    this.sql = postgres(databaseUrl(settings, "supabase_auth_admin"), { max: 2, onnotice: () => {} });
    this.openSignup = settings.openSignup;
    this.hasMailServer = settings.smtpUrl !== null;
  }

  async exists(email) {
    const rows = await this.sql`select from auth.users where email = ${email}`;
    return rows.length > 0;
  }

  // True where anyone may sign up, or for the first account and for people who are invited.
  async maySignUp(email) {
    return this.openSignup || this.#isExpected(email);
  }

  // Of strangers, an email can ask if the address is theirs. Nothing else then tells if it has an account.
  async confirmsByMail(email) {
    return this.openSignup && this.hasMailServer && !(await this.#isExpected(email));
  }

  async #isExpected(email) {
    const [row] = await this.sql`select private.may_sign_up(${email}) as allowed`;
    return row.allowed;
  }

  // When the account's last code was sent; null without one.
  async codeSentAt(email) {
    const [row] = await this
      .sql`select recovery_sent_at::text as sent from auth.users where email = ${email}`;
    return row?.sent ?? null;
  }

  // Ends the session whose refresh token was used a second time. Returns true if there was one.
  async endReused(token) {
    const ended = await this.sql`
      update auth.refresh_tokens set revoked = true, updated_at = now()
      where session_id in (
        select session_id from auth.refresh_tokens
        where token = ${token} and revoked and updated_at < now() - ${REPEATED_WITHIN}::interval
      ) returning id`;
    return ended.length > 0;
  }

  stop() {
    return this.sql.end({ timeout: 2 });
  }
}
