// Supervision of PostgREST, played by small programs: readiness, restarts, giving up and stopping.
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Rest } from "../rest.mjs";
import { Restarts } from "../restarts.mjs";

const SERVER = `
const http = require("node:http");
http.createServer((request, response) => response.end()).listen(process.env.PGRST_SERVER_PORT, "127.0.0.1");`;
const IGNORES_SIGTERM = `process.on("SIGTERM", () => {}); ${SERVER}`;

let home;
let rest;

beforeEach(() => {
  home = mkdtempSync(path.join(os.tmpdir(), "tally-rest-"));
  for (const folder of ["logs", "run"]) mkdirSync(path.join(home, folder));
});

afterEach(async () => {
  await rest?.stop(50);
  rest = null;
  rmSync(home, { recursive: true });
});

async function supervise(script, onGiveUp = assert.fail) {
  const program = path.join(home, "postgrest");
  writeFileSync(program, `#!${process.execPath}\n${script}`, { mode: 0o700 });
  const settings = {
    home,
    logs: path.join(home, "logs"),
    postgrestBinary: program,
    postgresPort: 1,
    restPort: await freePort(),
    lockDescriptor: 2,
    secrets: { jwt_secret: "secret", passwords: { authenticator: "password" } },
  };
  rest = new Rest(settings, {}, onGiveUp);
  return rest;
}

async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function eventually(isTrue) {
  const deadline = Date.now() + 10_000;
  while (!isTrue()) {
    assert.ok(Date.now() < deadline, "not true within 10 s");
    await sleep(10);
  }
}

const recordedPid = () => Number(readFileSync(rest.pidFile, "utf8").split("\n")[0]);

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("start returns when the program answers, and records its process id", async () => {
  await (await supervise(SERVER)).start();
  assert.equal(recordedPid(), rest.child.pid);
});

test("a program that ends is restarted with a new process id", async () => {
  await (await supervise(SERVER)).start();
  const first = rest.child.pid;
  process.kill(first, "SIGKILL");
  await eventually(() => rest.child.pid !== first);
  assert.equal(recordedPid(), rest.child.pid);
});

test("a program that keeps ending is given up", async () => {
  let reason = null;
  const supervised = await supervise("process.exit(3)", (text) => {
    reason = text;
  });
  supervised.start().catch(() => {}); // it never answers
  await eventually(() => reason !== null);
  assert.match(reason, /keeps ending \(3\)/);
});

test("stop ends the program, removes its record and prevents a restart", async () => {
  await (await supervise(SERVER)).start();
  const { pid } = rest.child;
  await rest.stop();
  await sleep(300);
  assert.deepEqual([isRunning(pid), rest.child.pid, existsSync(rest.pidFile)], [false, pid, false]);
});

test("a program that ignores the request to stop is killed", async () => {
  await (await supervise(IGNORES_SIGTERM)).start();
  await rest.stop(50);
  assert.equal(rest.child.signalCode, "SIGKILL");
});

test("a chosen program that cannot be run is named", async () => {
  const settings = { home, postgrestBinary: path.join(home, "missing") };
  assert.throws(() => new Rest(settings, {}, assert.fail), { message: /POSTGREST_BIN is .*missing/ });
});

test("pauses double, and the sixth exit within a minute is the last", () => {
  const restarts = new Restarts();
  const pauses = [0, 1, 2, 3, 4, 5].map((second) => restarts.next(second * 1000));
  assert.deepEqual(pauses, [100, 200, 400, 800, 1600, null]);
});

test("exits more than a minute ago are forgotten", () => {
  const restarts = new Restarts();
  for (let second = 0; second < 5; second += 1) restarts.next(second * 1000);
  assert.equal(restarts.next(65_000), 100);
});
