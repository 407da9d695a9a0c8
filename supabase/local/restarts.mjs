// Limits on the restarts of a process: growing pauses, and an end when it keeps failing.

const MAX_RESTARTS = 5;
const WINDOW_MS = 60_000;
const FIRST_PAUSE_MS = 100;

export class Restarts {
  constructor() {
    this.exits = []; // times of the exits within the window
  }

  // Records an exit. Returns the pause before the next start, or null after too many exits within a minute.
  next(now = Date.now()) {
    this.exits = [...this.exits.filter((exit) => now - exit < WINDOW_MS), now];
    if (this.exits.length > MAX_RESTARTS) return null;
    return FIRST_PAUSE_MS * 2 ** (this.exits.length - 1);
  }
}
