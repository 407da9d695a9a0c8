// Seconds of the database to an account's credit. They count only while somebody else is around, so that who is
// alone may use all of it.
export class Credit {
  constructor({ seconds = 4, debt = 4, perSecond = 0.5, aroundMs = 10_000, now = Date.now } = {}) {
    this.seconds = seconds;
    this.debt = debt;
    this.perSecond = perSecond;
    this.aroundMs = aroundMs;
    this.now = now;
    this.accounts = new Map(); // account -> { credit, at }; the one that was there last is the last
  }

  // Milliseconds until the account may begin; 0 for now.
  waitMs(account) {
    if (!this.#othersAreAround(account)) return 0;
    const { credit } = this.#update(account);
    return credit > 0 ? 0 : Math.ceil((-credit / this.perSecond) * 1000) + 1;
  }

  // Begins, and returns the function that charges the account for the time since.
  begin(account) {
    this.#touch(account);
    const began = this.now();
    return () => {
      const share = this.#touch(account);
      share.credit = Math.max(share.credit - (this.now() - began) / 1000, -this.debt);
    };
  }

  #update(account) {
    const at = this.now();
    const share = this.accounts.get(account) ?? { credit: this.seconds, at };
    share.credit = Math.min(this.seconds, share.credit + ((at - share.at) / 1000) * this.perSecond);
    share.at = at;
    return share;
  }

  #touch(account) {
    const share = this.#update(account);
    this.accounts.delete(account);
    this.accounts.set(account, share);
    share.seenAt = share.at;
    this.#forget();
    return share;
  }

  // Who has been away for as long as a debt takes to pay off has full credit anyway.
  #forget() {
    const longest = Math.max(this.aroundMs, ((this.seconds + this.debt) / this.perSecond) * 1000);
    for (const [account, share] of this.accounts) {
      if (this.now() - share.seenAt <= longest) break;
      this.accounts.delete(account);
    }
  }

  #othersAreAround(account) {
    for (const [other, share] of this.accounts) {
      if (other !== account && this.now() - share.seenAt < this.aroundMs) return true;
    }
    return false;
  }
}
