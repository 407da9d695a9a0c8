// The system user that runs Postgres and PostgREST: Postgres refuses to run as root.
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import path from "node:path";
import { notice, StackError } from "./report.mjs";

// {} for an ordinary user. For root: the owner of the data, else the user `postgres`, created if missing.
export function findSystemUser(data) {
  if (process.getuid?.() !== 0) return {};
  const owner = statSync(path.dirname(data), { throwIfNoEntry: false });
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  return lookUp("postgres") ?? createSystemUser("postgres");
}

function lookUp(name) {
  try {
    const id = (flag) => Number(execFileSync("id", [flag, name], { stdio: ["ignore", "pipe", "ignore"] }));
    return { uid: id("-u"), gid: id("-g") };
  } catch {
    return null;
  }
}

function createSystemUser(name) {
  try {
    execFileSync("useradd", ["--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name], {
      stdio: "ignore",
    });
  } catch {
    throw new StackError(
      `Postgres cannot run as root, and the system user \`${name}\` is missing and could not be created. ` +
        "Create that user, or start Tally as an ordinary user.",
    );
  }
  notice(`Created the system user \`${name}\`, as Postgres cannot run as root.`);
  return lookUp(name);
}

// Throws if the user cannot traverse a folder on the path to one of the targets.
export function refuseClosedFolders(user, targets) {
  if (user.uid === undefined) return;
  for (const target of targets) {
    const closed = closedFolder(user, target);
    if (closed) throw new StackError(closedMessage(user, closed, target));
  }
}

// The first folder on the path that the user cannot traverse, or null.
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
    `Postgres runs as user ${uid}, who cannot traverse ${folder} to reach ${target}. ` +
    `Move Tally's data to a folder that this user can reach, for example with TALLY_HOME=/var/lib/tally, ` +
    `or open the folder with \`chmod o+x ${folder}\`.`
  );
}
