// Limits against guessing, in bounded memory.
const MAX_KEYS = 100_000;

export class Attempts {
  constructor(attempts, seconds, now = Date.now) {
    this.attempts = attempts;
    this.milliseconds = seconds * 1000;
    this.now = now;
    this.times = new Map(); // the least recently used keys first
  }

  // Counts an attempt before its outcome is known, so that parallel guesses count too. Returns the seconds to
  // wait, or 0 if the attempt may be made.
  count(key) {
    const start = this.now() - this.milliseconds;
    const times = (this.times.get(key) ?? []).filter((time) => time > start);
    const wait = times.length < this.attempts ? 0 : Math.ceil((times[0] - start) / 1000);
    if (!wait) times.push(this.now());
    this.times.delete(key);
    this.times.set(key, times);
    if (this.times.size > MAX_KEYS) this.times.delete(this.times.keys().next().value);
    return wait;
  }

  // Forgets the last attempt of a key, which succeeded.
  refund(key) {
    this.times.get(key)?.pop();
  }
}
