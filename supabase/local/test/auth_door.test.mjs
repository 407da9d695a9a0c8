// Unit tests of the auth server's door in front of a fake server: what passes, how often, with what proof.
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { beforeEach, test } from "node:test";
import { AuthDoor } from "../auth_door.mjs";
import { DEVICE_HEADER } from "../devices.mjs";
import { signedToken } from "../tokens.mjs";

const secret = "jwt secret";
const KNOWN = "ada@example.com";
let asked;
let now;
let door;
let mayRefresh;
let isOpen;

// Accepts the password "right password" and the code 123456 of one account.
async function server(request) {
  const url = new URL(request.url);
  const body = request.method === "GET" ? {} : await request.json();
  asked.push({ method: request.method, target: url.pathname + url.search, body });
  const session = () => Response.json({ access_token: signedToken({ sub: "1", session_id: "s2" }, secret) });
  if (url.searchParams.get("grant_type") === "password") {
    const isRight = body.email === KNOWN && body.password === "right password";
    return isRight ? session() : Response.json({ error_code: "invalid_credentials" }, { status: 400 });
  }
  if (url.pathname.endsWith("/verify")) {
    return body.token === "123456" || body.token_hash === "link"
      ? session()
      : Response.json({ error_code: "otp_expired" }, { status: 403 });
  }
  return Response.json({});
}

beforeEach(() => {
  process.env.LITE_AUTH_BCRYPT_COST = "4";
  asked = [];
  now = 0;
  mayRefresh = true;
  isOpen = false;
  const accounts = {
    exists: async (email) => email === KNOWN,
    maySignUp: async (email) => email === "invited@example.com" || isOpen,
    confirmsByMail: async () => isOpen,
    codeSentAt: async () => `at ${Math.floor(now / 60_000)}`,
    endReused: async () => !mayRefresh,
  };
  door = new AuthDoor({ server, accounts, secret, now: () => now });
});

async function send(method, target, body, headers = {}) {
  const request = Readable.from(body === undefined ? [] : [Buffer.from(JSON.stringify(body))]);
  Object.assign(request, { method, headers: { apikey: "key", ...headers } });
  const answer = {};
  const response = {
    writeHead: (status, given) => Object.assign(answer, { status, headers: given }),
    end: (bytes) => Object.assign(answer, { body: bytes.length ? JSON.parse(bytes) : null }),
  };
  await door.handle(request, response, new URL(`http://gateway/auth/v1${target}`));
  return answer;
}

const signIn = (password, headers, email = KNOWN) =>
  send("POST", "/token?grant_type=password", { email, password }, headers);
const redeem = (token, headers) =>
  send("POST", "/verify", { type: "recovery", email: KNOWN, token }, headers);

for (const [method, target] of [
  ["POST", "/otp"],
  ["POST", "/magiclink"],
  ["POST", "/resend"],
  ["GET", "/verify"],
  ["GET", "/authorize"],
  ["POST", "/token"],
  ["POST", "/token?grant_type=pkce"],
  ["GET", "/token?grant_type=password"],
  ["POST", "/admin/users"],
  ["GET", "//health"],
]) {
  test(`${method} ${target} is closed`, async () => {
    assert.equal((await send(method, target, method === "GET" ? undefined : {})).status, 404);
    assert.deepEqual(asked, []);
  });
}

test("fields that a route does not have are dropped", async () => {
  await send("POST", "/signup", {
    email: "Invited@example.com",
    password: "a long enough one",
    data: { role: "x" },
    options: {},
  });
  assert.deepEqual(asked[0].body, { email: "invited@example.com", password: "a long enough one" });
});

test("a stranger's address is confirmed by a code, and the password sent for it is never used", async () => {
  isOpen = true;
  const answers = [];
  for (const email of ["new@example.com", KNOWN]) {
    const answer = await send("POST", "/signup", { email, password: "a long enough one" });
    assert.equal(answer.body.confirmed_by, "code");
    answers.push(Object.keys(answer.body));
  }
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.deepEqual(answers[0], answers[1]);
  const [made, ...mailed] = asked.toSorted((a, b) => b.target.localeCompare(a.target));
  assert.equal(made.body.email, "new@example.com");
  assert.notEqual(made.body.password, "a long enough one");
  assert.deepEqual(mailed.map(({ body }) => body.email).toSorted(), [KNOWN, "new@example.com"].toSorted());
  assert.ok(mailed.every(({ target }) => target.startsWith("/auth/v1/recover")));
  assert.equal((await send("POST", "/signup", { email: KNOWN, password: "a long enough one" })).status, 429);
});

for (const body of [[], "text", 5, { email: ["a"] }, { email: { a: 1 } }, { email: "x".repeat(2001) }]) {
  test(`the body ${JSON.stringify(body).slice(0, 30)} is refused`, async () => {
    assert.equal((await send("POST", "/recover", body)).status, 400);
    assert.deepEqual(asked, []);
  });
}

test("a body of more than 16 kB is refused", async () => {
  assert.equal((await send("POST", "/recover", { a: "x".repeat(17_000) })).status, 413);
});

test("twenty wrong passwords an hour, also in parallel, and then not even the right one", async () => {
  const answers = await Promise.all(Array.from({ length: 30 }, () => signIn("wrong")));
  assert.equal(answers.filter(({ status }) => status === 400).length, 20);
  assert.equal((await signIn("right password")).status, 429);
  now = 3_600_001;
  assert.equal((await signIn("right password")).status, 200);
});

test("a stranger does not lock out a device that signed in before", async () => {
  const { [DEVICE_HEADER]: device } = (await signIn("right password")).headers;
  for (let tries = 0; tries < 25; tries += 1) await signIn("wrong");
  assert.equal((await signIn("right password")).status, 429);
  assert.equal((await signIn("right password", { [DEVICE_HEADER]: `other.name ${device}` })).status, 200);
});

test("a device of another account, or a made-up one, gives no attempts", async () => {
  for (let tries = 0; tries < 25; tries += 1) {
    const made = `nonce${tries}.${"a".repeat(43)}`;
    await signIn("wrong", { [DEVICE_HEADER]: `${made} ${door.devices.name("ben@example.com")}` });
  }
  assert.equal((await signIn("right password")).status, 429);
});

test("an unknown address is limited like a known one", async () => {
  for (let tries = 0; tries < 20; tries += 1) await signIn("wrong", {}, "nobody@example.com");
  const answer = await signIn("wrong", {}, "NOBODY@example.com");
  assert.deepEqual([answer.status, answer.body.error_code], [429, "too_many_passwords"]);
  assert.ok(Number(answer.headers["retry-after"]) > 3000);
});

test("five guesses of a code, then only a new code helps, and fifteen an hour", async () => {
  for (let tries = 0; tries < 5; tries += 1) assert.equal((await redeem("000000")).status, 403);
  assert.equal((await redeem("123456")).status, 403);
  now = 60_000; // a new code was sent
  assert.equal((await redeem("123456")).status, 200);
  for (let tries = 0; tries < 8; tries += 1) await redeem("000000");
  assert.equal((await redeem("123456")).status, 429);
});

test("a link is not guessed and needs no limit", async () => {
  for (let tries = 0; tries < 30; tries += 1) await redeem("000000");
  assert.equal((await send("POST", "/verify", { type: "recovery", token_hash: "link" })).status, 200);
});

test("a code is sent once a minute, and the answer does not wait for it", async () => {
  const recover = () => send("POST", "/recover", { email: KNOWN });
  assert.deepEqual([(await recover()).status, (await recover()).status], [200, 429]);
  for (let minute = 1; minute < 10; minute += 1) {
    now = minute * 60_001;
    assert.equal((await recover()).status, 200);
  }
  now += 60_001;
  assert.equal((await recover()).status, 429);
});

test("a password is changed with the old one, or after an emailed code", async () => {
  const bearer = (session) => ({
    authorization: `Bearer ${signedToken({ sub: "1", session_id: session, email: KNOWN }, secret)}`,
  });
  const change = (body, session) => send("PUT", "/user", body, bearer(session));
  const password = "a new good password";
  assert.equal((await change({ password }, "s1")).body.error_code, "reauthentication_needed");
  assert.equal((await change({ password, current_password: "wrong" }, "s1")).status, 400);
  assert.equal((await change({ password, current_password: "right password" }, "s1")).status, 200);
  assert.deepEqual(asked.at(-1).body, { password });
  assert.equal((await change({ password }, "s2")).status, 401);
  await redeem("123456");
  assert.equal((await change({ password }, "s2")).status, 200);
  now += 15 * 60_000 + 1;
  assert.equal((await change({ password }, "s2")).status, 401);
});

test("an address is not changed", async () => {
  await redeem("123456");
  const headers = { authorization: `Bearer ${signedToken({ sub: "1", session_id: "s2" }, secret)}` };
  await send(
    "PUT",
    "/user",
    { email: "ceo@example.com", data: { a: 1 }, password: "a good password 1" },
    headers,
  );
  assert.deepEqual(asked.at(-1).body, { password: "a good password 1" });
});

test("a token that this stack did not sign changes nothing", async () => {
  const headers = { authorization: `Bearer ${signedToken({ sub: "1", session_id: "s2" }, "other secret")}` };
  assert.equal((await send("PUT", "/user", { password: "a good password 1" }, headers)).status, 401);
  assert.deepEqual(asked, []);
});

for (const password of ["password1", "Qwertyuiop", "12345678"]) {
  test(`the password ${password} is too common`, async () => {
    const answer = await send("POST", "/signup", { email: "invited@example.com", password });
    assert.equal(answer.body.error_code, "weak_password");
    assert.deepEqual(asked, []);
  });
}

test("who is not invited makes no account", async () => {
  const answer = await send("POST", "/signup", { email: KNOWN, password: "a long enough one" });
  assert.equal(answer.body.error_code, "signup_disabled");
  assert.deepEqual(asked, []);
});

test("everyone may know that accounts need an invitation, and nothing else", async () => {
  assert.deepEqual((await send("GET", "/settings")).body, { disable_signup: true });
  assert.deepEqual(asked, []);
});

test("a refresh token that was used before ends its session", async () => {
  const refresh = () => send("POST", "/token?grant_type=refresh_token", { refresh_token: "t" });
  assert.equal((await refresh()).status, 200);
  mayRefresh = false;
  assert.equal((await refresh()).body.error_code, "refresh_token_already_used");
});
