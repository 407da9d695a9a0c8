// Which account of the machine runs Postgres and PostgREST: Postgres refuses to run as root.
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import path from "node:path";
import { notice, StackError } from "./report.mjs";

// {} for an ordinary user; for root the account that owns the data, else `postgres`, made when it is missing.
export function findAccount(data) {
  if (process.getuid?.() !== 0) return {};
  const owner = statSync(path.dirname(data), { throwIfNoEntry: false });
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  return lookUp("postgres") ?? makeAccount("postgres");
}

function lookUp(name) {
  try {
    const ask = (flag) => Number(execFileSync("id", [flag, name], { stdio: ["ignore", "pipe", "ignore"] }));
    return { uid: ask("-u"), gid: ask("-g") };
  } catch {
    return null;
  }
}

function makeAccount(name) {
  try {
    execFileSync("useradd", ["--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name], { stdio: "ignore" });
  } catch {
    throw new StackError(
      `Postgres cannot run as root, and the system user \`${name}\` is missing and could not be made. ` +
        "Make that user, or start Tally as an ordinary user.",
    );
  }
  notice(`Made the system user \`${name}\`: Postgres cannot run as root.`);
  return lookUp(name);
}

// The account must pass through every folder on the way to what it opens.
export function refuseClosedFolders(account, targets) {
  if (account.uid === undefined) return;
  for (const target of targets) {
    const closed = closedFolder(account, target);
    if (closed) throw new StackError(closedMessage(account, closed, target));
  }
}

// The first folder on the way that the account may not pass, or null.
export function closedFolder({ uid, gid }, target) {
  const above = path.dirname(target);
  if (above !== target) {
    const closed = closedFolder({ uid, gid }, above);
    if (closed) return closed;
  }
  const found = statSync(target, { throwIfNoEntry: false });
  if (!found?.isDirectory()) return null;
  const bit = found.uid === uid ? 0o100 : found.gid === gid ? 0o010 : 0o001;
  return found.mode & bit ? null : target;
}

function closedMessage({ uid }, folder, target) {
  return (
    `Postgres runs as user ${uid}, who may not pass through ${folder} to ${target}. ` +
    `Put Tally's data where everyone may pass, for example TALLY_HOME=/var/lib/tally, ` +
    `or open the folder with \`chmod o+x ${folder}\`.`
  );
}
