// Every route that @supabase/lite has. The gateway passes on only those of auth_requests.mjs; a version with
// others fails here, so that somebody looks at what is new before it is used.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

const REVIEWED = `
  all /:relation, all /health, all /magiclink, all /nonexistent, all /reauthenticate, all /rpc/:function,
  all /settings, all /signup, all /token, all /user, delete /bucket/:id, delete /object/:bucketId, get /*,
  get /.well-known/jwks.json, get /.well-known/openid-configuration, get /authorize, get /bucket,
  get /bucket/:id, get /callback, get /config, get /health, get /info, get /introspect,
  get /object/:bucketId/*, get /object/info/:bucketId/*, get /object/public/:bucketId/*,
  get /object/sign/:bucketId/*, get /ping, get /reauthenticate, get /settings, get /status, get /user,
  get /verify, post /bucket, post /bucket/:id/empty, post /callback, post /logout, post /magiclink,
  post /object/:bucketId/*, post /object/copy, post /object/list/:bucketId, post /object/move,
  post /object/sign/:bucketId, post /object/sign/:bucketId/*, post /object/upload/sign/:bucketId/*,
  post /otp, post /recover, post /resend, post /signup, post /token, post /verify, put /bucket/:id,
  put /object/:bucketId/*, put /object/upload/sign/:bucketId/*, put /user,
  route /, route /_system, route /auth/v1, route /rest/v1, route /storage/v1`;

test("the pinned version has the routes that were looked at, and no others", () => {
  const source = readFileSync(fileURLToPath(import.meta.resolve("@supabase/lite")), "utf8");
  const found = source.matchAll(/\.(get|post|put|patch|delete|all|route|mount)\("(\/[^"]*)"/g);
  const routes = new Set([...found].map(([, method, route]) => `${method} ${route}`));
  const reviewed = REVIEWED.split(",").map((route) => route.trim());
  assert.deepEqual([...routes].sort(), reviewed.sort());
});
