// How the stack speaks to `tally up`: one JSON object a line on stdout. Secrets never pass here.

export class StackError extends Error {}

function say(message) {
  process.stdout.write(JSON.stringify(message) + "\n");
}

// A step has begun: the person sees its name if it takes longer than a second.
export const step = (text) => say({ step: text });

// Something happened that the person should know of, though the stack goes on.
export const notice = (text) => say({ notice: text });

export const ready = (facts) => say({ ready: facts });

export const failed = (text) => say({ error: text });
