// The data API behind the gateway, in front of a slow server: what one account can take from the others.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Gateway } from "../gateway.mjs";
import { signedToken } from "../tokens.mjs";

const secrets = { jwt_secret: "jwt secret", publishable_key: "public", secret_key: "secret" };
const bearer = (account) =>
  `Bearer ${signedToken({ sub: account, role: "authenticated" }, secrets.jwt_secret)}`;
let rest;
let gateway;
let port;
let waiting;
let received;

// Answers /slow when the test says so, everything else at once.
beforeEach(async () => {
  waiting = [];
  received = [];
  rest = http.createServer(async (request, response) => {
    let bytes = 0;
    try {
      for await (const chunk of request) bytes += chunk.length;
    } catch {
      return; // the gateway ended a body that was too large
    }
    received.push({ url: request.url, bytes });
    if (request.url === "/slow") waiting.push(response);
    else response.end("{}");
  });
  rest.listen(0, "127.0.0.1");
  await once(rest, "listening");
  gateway = new Gateway({ gatewayPort: 0, restPort: rest.address().port, secrets });
  await gateway.listen();
  gateway.serve({ handle: () => {} });
  port = gateway.server.address().port;
});

afterEach(async () => {
  for (const response of waiting) response.destroy();
  await gateway.stop();
  rest.closeAllConnections();
  rest.close();
});

function ask(path, account, options = {}) {
  const headers = { apikey: "public", authorization: bearer(account), ...options.headers };
  return fetch(`http://127.0.0.1:${port}/rest/v1${path}`, { ...options, headers });
}

async function until(isTrue) {
  for (let tries = 0; tries < 200 && !isTrue(); tries += 1) await sleep(10);
  assert.ok(isTrue());
}

test("one account holds four places, and others are answered meanwhile", async () => {
  const slow = Array.from({ length: 24 }, () => ask("/slow", "mallory").catch(() => null));
  await until(() => waiting.length === 4);
  assert.equal((await ask("/fast", "ada")).status, 200);
  await sleep(50);
  assert.equal(waiting.length, 4);
  for (let served = 0; served < 24; served += 1) {
    await until(() => waiting.length > 0);
    waiting.shift().end("{}");
  }
  assert.equal((await Promise.all(slow)).filter((answer) => answer?.status === 200).length, 24);
});

test("a client that leaves keeps its place until its query has ended", async () => {
  const controller = new AbortController();
  const left = Array.from({ length: 4 }, () =>
    ask("/slow", "mallory", { signal: controller.signal }).catch(() => null),
  );
  await until(() => waiting.length === 4);
  controller.abort();
  await Promise.all(left);
  const next = ask("/fast", "mallory");
  await sleep(100);
  assert.equal(received.filter(({ url }) => url === "/fast").length, 0);
  waiting.shift().end("{}");
  assert.equal((await next).status, 200);
});

test("more than 64 waiting requests of an account are refused at once", async () => {
  const answers = Array.from({ length: 70 }, () => ask("/slow", "mallory").catch(() => null));
  const refused = await Promise.race(answers);
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get("retry-after"), "1");
  assert.match((await refused.json()).message, /^Too many requests of this account/);
});

test("a body of more than 64 MB is refused, with and without its length", async () => {
  const large = Buffer.alloc(65 * 1024 * 1024);
  assert.equal((await ask("/rpc/save", "ada", { method: "POST", body: large })).status, 413);
  const stream = new ReadableStream({
    start(controller) {
      for (let part = 0; part < 65; part += 1) controller.enqueue(large.subarray(0, 1024 * 1024));
      controller.close();
    },
  });
  const answer = await ask("/rpc/save", "ada", { method: "POST", body: stream, duplex: "half" }).catch(
    () => null,
  );
  assert.ok(answer === null || answer.status === 413);
  assert.ok(received.every(({ bytes }) => bytes < large.length));
});

for (const lines of [
  ["Prefer: count=planned"],
  ["Prefer: return=minimal", "Prefer: count=estimated"],
  ["prefer: return=minimal, Count=Planned"],
  ["PREFER:count=exact", "Prefer:count=planned"],
]) {
  test(`${lines.join(" and ")} is refused before PostgREST sees it`, async () => {
    const socket = net.connect(port, "127.0.0.1");
    const head = ["GET /rest/v1/cost_records HTTP/1.1", "Host: x", "Connection: close", "apikey: public"];
    socket.write([...head, `authorization: ${bearer("mallory")}`, ...lines, "", ""].join("\r\n"));
    let answer = "";
    for await (const chunk of socket) answer += chunk;
    assert.match(answer, /^HTTP\/1.1 400 /);
    assert.deepEqual(received, []);
  });
}
