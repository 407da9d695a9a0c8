// Programs that the system user of Postgres can run: the installed ones, or copies in TALLY_HOME if it cannot
// reach them, as in a checkout in root's home folder.
import { chmodSync, cpSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { closedFolder } from "./system_user.mjs";
import { step } from "./report.mjs";

// The path of the file or folder, or of its copy. `marker` is a file that differs between releases.
export function reachable(user, home, target, marker = target) {
  if (user.uid === undefined || !closedFolder(user, marker)) return target;
  const { size, mtimeMs } = statSync(marker);
  const copies = path.join(home, "programs");
  const copy = path.join(copies, `${path.basename(target)}-${size}-${Math.floor(mtimeMs)}`);
  if (existsSync(copy)) return copy;
  step("Copying programs to a folder that Postgres can reach");
  mkdirSync(copies, { recursive: true });
  chmodSync(copies, 0o711);
  const unfinished = `${copy}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  cpSync(target, unfinished, { recursive: true, verbatimSymlinks: true });
  renameSync(unfinished, copy);
  return copy;
}
