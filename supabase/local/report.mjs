// Messages to `tally up`: one JSON object per line on stdout. They never contain secrets.

export class StackError extends Error {}

function send(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

// A step begins; its name is shown if it takes longer than a second.
export const step = (text) => send({ step: text });

// An event that the user should know about; the stack keeps running.
export const notice = (text) => send({ notice: text });

export const ready = (facts) => send({ ready: facts });

export const failed = (text) => send({ error: text });
