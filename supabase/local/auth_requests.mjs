// Requests that the auth server gets: these routes, with these fields and no others.
const MAX_BODY_BYTES = 16 * 1024;
const MAX_FIELD_LENGTH = 2000;
const SCOPES = ["local", "others", "global"];
const LINK_TYPES = ["recovery", "signup", "invite"]; // an address is not changed: the old mailbox would do

const ROUTES = [
  { method: "GET", path: "/health", rule: "pass" },
  { method: "GET", path: "/user", rule: "pass" },
  { method: "GET", path: "/settings", rule: "settings" },
  {
    method: "POST",
    path: "/token",
    query: { grant_type: ["password"] },
    fields: ["email", "password"],
    rule: "signIn",
  },
  {
    method: "POST",
    path: "/token",
    query: { grant_type: ["refresh_token"] },
    fields: ["refresh_token"],
    rule: "refresh",
  },
  { method: "POST", path: "/signup", fields: ["email", "password"], rule: "signUp" },
  { method: "POST", path: "/recover", fields: ["email"], rule: "sendCode" },
  { method: "POST", path: "/verify", fields: ["type", "email", "token"], rule: "redeemCode" },
  { method: "POST", path: "/verify", fields: ["type", "token_hash"], rule: "redeemLink" },
  { method: "PUT", path: "/user", fields: ["password", "current_password"], rule: "changePassword" },
  { method: "POST", path: "/logout", query: { scope: SCOPES }, rule: "pass" },
  { method: "POST", path: "/logout", rule: "pass" },
];

// A request that the auth server answers, or { status, code, message }, why it is refused.
export async function readRequest(request, url) {
  const path = url.pathname.slice("/auth/v1".length);
  const routes = ROUTES.filter((route) => route.method === request.method && route.path === path);
  const found = routes.filter((route) => matchesQuery(route.query, url.searchParams));
  if (found.length === 0) return { status: 404, code: "not_found", message: "Not found" };
  const body = await readBody(request);
  if (body === null) return { status: 413, code: "too_large", message: "This request is too large." };
  const given = parseObject(body);
  if (!given) return { status: 400, code: "bad_json", message: "The body must be a JSON object." };
  const route = found.find(({ fields = [] }) => fields.at(-1) in given) ?? found[0];
  const fields = pick(given, route.fields ?? []);
  if (!fields || (route.path === "/verify" && !LINK_TYPES.includes(fields.type))) {
    return { status: 400, code: "validation_failed", message: "A field is missing or has a wrong value." };
  }
  if (fields.email) fields.email = fields.email.toLowerCase();
  const query = Object.keys(route.query ?? {}).map((name) => `${name}=${url.searchParams.get(name)}`);
  return { rule: route.rule, method: route.method, target: `/auth/v1${path}?${query.join("&")}`, fields };
}

function matchesQuery(query = {}, params) {
  return Object.entries(query).every(([name, values]) => values.includes(params.get(name)));
}

// The body as text, or null if it is too large; the rest of it is then dropped.
async function readBody(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return bytes > MAX_BODY_BYTES ? null : Buffer.concat(chunks).toString("utf8");
}

function parseObject(text) {
  if (text === "") return {};
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

// Fields of a request that are there; null if one is not a text, or too long.
function pick(given, names) {
  const fields = {};
  for (const name of names) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined || value === null) continue;
    if (typeof value !== "string" || value.length > MAX_FIELD_LENGTH) return null;
    fields[name] = value;
  }
  return fields;
}
