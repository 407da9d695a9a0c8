// Turns at the data API. PostgREST has one pool of connections for everyone: an account may hold only some
// of them, and those that wait are served one account after another. While others use it, an account that has
// used up its credit of seconds in the database waits until it has some again.
import { Credit } from "./credit.mjs";

export class Turns {
  constructor({ total = 12, each = 4, waiting = 64, waitMs = 10_000, credit = new Credit() } = {}) {
    this.total = total;
    this.each = each;
    this.waiting = waiting;
    this.waitMs = waitMs;
    this.credit = credit;
    this.running = new Map();
    this.queues = new Map();
    this.busy = 0;
  }

  // Resolves to a function that ends the turn, or to null if none came in time. `left` is emitted as "close".
  take(account, left) {
    if (this.#isFree(account) && !this.queues.has(account)) return Promise.resolve(this.#begin(account));
    const queue = this.queues.get(account) ?? [];
    if (queue.length >= this.waiting) return Promise.resolve(null);
    return new Promise((resolve) => {
      const waiter = { begin: () => settle(this.#begin(account)) };
      const settle = (turn) => {
        clearTimeout(timer);
        left?.off("close", leave);
        resolve(turn);
      };
      const leave = () => {
        this.#remove(account, waiter);
        settle(null);
      };
      const timer = setTimeout(leave, this.waitMs);
      left?.once("close", leave);
      queue.push(waiter);
      this.queues.set(account, queue);
    });
  }

  #isFree(account) {
    if (this.busy >= this.total || (this.running.get(account) ?? 0) >= this.each) return false;
    const waitMs = this.credit.waitMs(account);
    if (waitMs > 0) this.#nextIn(waitMs);
    return waitMs === 0;
  }

  // Looks again when an account has credit: until then, no end of a turn may come.
  #nextIn(ms) {
    const at = Date.now() + ms;
    if (this.timer !== undefined && this.timerAt <= at) return;
    clearTimeout(this.timer);
    this.timerAt = at;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      while (this.#next());
    }, ms);
    this.timer.unref();
  }

  #begin(account) {
    const charge = this.credit.begin(account);
    this.busy += 1;
    this.running.set(account, (this.running.get(account) ?? 0) + 1);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      charge();
      this.busy -= 1;
      const left = this.running.get(account) - 1;
      if (left > 0) this.running.set(account, left);
      else this.running.delete(account);
      this.#next();
    };
  }

  #next() {
    for (const [account, queue] of this.queues) {
      if (!this.#isFree(account)) continue;
      const waiter = queue.shift();
      this.queues.delete(account);
      if (queue.length > 0) this.queues.set(account, queue); // at the end: the others come first
      waiter.begin();
      return true;
    }
    return false;
  }

  #remove(account, waiter) {
    const queue = this.queues.get(account)?.filter((each) => each !== waiter) ?? [];
    if (queue.length > 0) this.queues.set(account, queue);
    else this.queues.delete(account);
  }
}
