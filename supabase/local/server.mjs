// Entry point of the embedded stack: starts and stops its parts in order.
// `tally up` holds our stdin open. When it ends, however it ends, stdin closes and the stack stops.
import { prepareDatabase } from "./database.mjs";
import { Gateway } from "./gateway.mjs";
import { Postgres } from "./postgres.mjs";
import { failed, ready, StackError } from "./report.mjs";
import { Rest } from "./rest.mjs";
import { readSettings } from "./settings.mjs";

const settings = readSettings();
const started = [];
let stopping = false;

// Newest first: requests end before the services that answer them, and those before the database.
async function stop(code) {
  if (stopping) return;
  stopping = true;
  for (const part of started.reverse()) {
    await Promise.resolve(part.stop()).catch((error) => console.error(error));
  }
  process.exit(code);
}

async function giveUp(error) {
  if (stopping) return;
  failed(error instanceof StackError ? error.message : `The stack failed: ${error?.message ?? error}`);
  if (!(error instanceof StackError)) console.error(error);
  await stop(1);
}

async function start() {
  const gateway = new Gateway(settings);
  const postgres = new Postgres(settings);
  await gateway.listen();
  started.push(postgres);
  await postgres.open();
  await prepareDatabase(settings);
  if (!settings.databaseOnly) await startServices(gateway, postgres.user);
  started.push(gateway);
  ready({ gateway: settings.gatewayPort });
}

async function startServices(gateway, user) {
  const rest = new Rest(settings, user, (reason) => giveUp(new StackError(reason)));
  started.push(rest);
  // Imported here: its packages are most of a start's work, and a backup needs the database alone.
  const { startAuth } = await import("./auth.mjs");
  const [auth] = await Promise.all([startAuth(settings), rest.start()]);
  started.push(auth);
  gateway.serve(auth);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => stop(0));
process.stdin
  .on("end", () => stop(0))
  .on("error", () => stop(0))
  .resume();
process.on("uncaughtException", giveUp);
process.on("unhandledRejection", giveUp);
start().catch(giveUp);
