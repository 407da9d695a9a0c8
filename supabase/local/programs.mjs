// Programs that the account of Postgres may run: where they are installed, or else a copy in TALLY_HOME. A checkout in
// root's closed home folder is out of that account's reach.
import { chmodSync, cpSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { closedFolder } from "./system_user.mjs";
import { step } from "./report.mjs";

// The file or folder itself, or the path of its copy. `mark` is the file by which one release differs from the next.
export function reachable(account, home, target, mark = target) {
  if (account.uid === undefined || !closedFolder(account, mark)) return target;
  const { size, mtimeMs } = statSync(mark);
  const copies = path.join(home, "programs");
  const copy = path.join(copies, `${path.basename(target)}-${size}-${Math.floor(mtimeMs)}`);
  if (existsSync(copy)) return copy;
  step("Copying programs to where Postgres's account can reach them");
  mkdirSync(copies, { recursive: true });
  chmodSync(copies, 0o711);
  const unfinished = `${copy}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  cpSync(target, unfinished, { recursive: true, verbatimSymlinks: true });
  renameSync(unfinished, copy);
  return copy;
}
