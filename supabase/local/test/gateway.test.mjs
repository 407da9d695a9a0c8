// Unit tests of the gateway in front of fake services: which paths it forwards, and under which identity.
// They live beside the code, so that `npm test` needs nothing outside this package.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { after, before, test } from "node:test";
import { Gateway } from "../gateway.mjs";

const secrets = { jwt_secret: "jwt secret", publishable_key: "sb_publishable_1", secret_key: "sb_secret_1" };
const userToken = "header.payload.signature";
let rest;
let gateway;
let port;

before(async () => {
  rest = http.createServer((request, response) => response.end(JSON.stringify(seen("rest", request))));
  rest.listen(0, "127.0.0.1");
  await once(rest, "listening");
  gateway = new Gateway({ gatewayPort: 0, restPort: rest.address().port, secrets });
  await gateway.listen();
  gateway.serve({
    handle: (request, response, url) => {
      response.end(JSON.stringify({ ...seen("auth", request), url: url.pathname + url.search }));
    },
  });
  port = gateway.server.address().port;
});

after(async () => {
  await gateway.stop();
  rest.closeAllConnections();
  rest.close();
});

function seen(service, request) {
  return { service, url: request.url, headers: request.headers };
}

// Sends the target exactly as written, as HTTP clients would normalise it.
async function send(target, headers = { apikey: secrets.publishable_key }) {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const socket = net.connect(port, "127.0.0.1");
  socket.write([`GET ${target} HTTP/1.1`, "Host: x", "Connection: close", ...lines, "", ""].join("\r\n"));
  let answer = "";
  for await (const chunk of socket) answer += chunk;
  const body = answer.slice(answer.indexOf("\r\n\r\n") + 4);
  const start = body.indexOf("{");
  return {
    status: Number(answer.split(" ")[1]),
    body: start < 0 ? null : JSON.parse(body.slice(start, body.lastIndexOf("}") + 1)),
  };
}

function verifiedClaims(authorization) {
  const [header, payload, signature] = authorization.replace("Bearer ", "").split(".");
  const expected = createHmac("sha256", secrets.jwt_secret)
    .update(`${header}.${payload}`)
    .digest("base64url");
  assert.equal(signature, expected);
  return JSON.parse(Buffer.from(payload, "base64url"));
}

for (const target of [
  "/_system/info",
  "/auth/v1/../../_system/info",
  "/auth/v1/%2e%2e/%2e%2e/_system/info",
  "/auth/v1/%2E%2E/%2e./_system/info",
  "/auth/v1/..%2f..%2f_system/info",
  "/auth/v1/..%5c..%5c_system/info",
  "/auth/v1/..\\..\\_system/info",
  "/auth/v1/%252e%252e/_system/info",
  "/auth/v1%2fhealth",
  "/rest/v1/../../_system/info",
  "//auth/v1/health",
  "//_system/info",
  "/AUTH/v1/health",
  "/auth/V1/health",
  "/auth/v10/health",
  "/auth/v1/health%00",
  "/rest/v1/%00",
  "/rest/v1/cost_records;x",
  "http://127.0.0.1/auth/v1/health",
  "*",
]) {
  test(`path ${target} is not forwarded`, async () => {
    assert.equal((await send(target)).status, 404);
  });
}

test("a null byte in the path is refused", async () => {
  assert.equal((await send("/auth/v1/\0health")).status, 400);
});

test("a path is normalised before it is forwarded", async () => {
  assert.equal((await send("/auth/v1/user/%2e%2e/health?a=1")).body.url, "/auth/v1/health?a=1");
  assert.equal((await send("/rest/v1/a/../cost_records?b=%2e")).body.url, "/cost_records?b=%2e");
});

test("double slashes after the service stay in the path of that service", async () => {
  const { body } = await send("/auth/v1//health");
  assert.deepEqual([body.service, body.url], ["auth", "/auth/v1//health"]);
});

for (const [key, role] of [
  [secrets.publishable_key, "anon"],
  [secrets.secret_key, "service_role"],
]) {
  for (const headers of [{ apikey: key }, { apikey: key, authorization: `Bearer ${key}` }]) {
    test(`${Object.keys(headers).join(" and ")} with the key of ${role} becomes its JWT`, async () => {
      const { body } = await send("/rest/v1/providers", headers);
      assert.equal(verifiedClaims(body.headers.authorization).role, role);
      assert.equal(body.headers.apikey, undefined);
    });
  }
}

test("a user's JWT passes through unchanged", async () => {
  const headers = { apikey: secrets.publishable_key, authorization: `Bearer ${userToken}` };
  const { body } = await send("/rest/v1/providers", headers);
  assert.equal(body.headers.authorization, `Bearer ${userToken}`);
});

test("the secret key as a bearer token beside the publishable key is not exchanged", async () => {
  const headers = { apikey: secrets.publishable_key, authorization: `Bearer ${secrets.secret_key}` };
  const { body } = await send("/rest/v1/providers", headers);
  assert.equal(body.headers.authorization, `Bearer ${secrets.secret_key}`);
});

for (const headers of [
  {},
  { apikey: "" },
  { apikey: "sb_secret_guessed" },
  { apikey: `${secrets.secret_key}x` },
  { authorization: `Bearer ${userToken}` },
]) {
  test(`unknown key ${JSON.stringify(headers)} is refused`, async () => {
    for (const target of ["/auth/v1/health", "/rest/v1/providers"]) {
      assert.equal((await send(target, headers)).status, 401);
    }
  });
}

test("requests before the stack is ready are answered with 503", async () => {
  const early = new Gateway({ gatewayPort: 0, restPort: 1, secrets });
  await early.listen();
  const response = await fetch(`http://127.0.0.1:${early.server.address().port}/auth/v1/health`);
  await early.stop();
  assert.equal(response.status, 503);
});

test("a port in use is named, with the setting that changes it", async () => {
  const second = new Gateway({ gatewayPort: port, restPort: 1, secrets });
  await assert.rejects(second.listen(), { message: new RegExp(`Port ${port} is in use .*TALLY_PORT`) });
});
