// Unit tests of credit: beside others, who used much waits; who is alone never does.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Credit } from "../credit.mjs";
import { Turns } from "../turns.mjs";

function clock() {
  const time = { ms: 1_000_000, now: () => time.ms };
  return time;
}

function spend(credit, time, account, seconds) {
  const charge = credit.begin(account);
  time.ms += seconds * 1000;
  charge();
}

test("who is alone waits for nothing", () => {
  const time = clock();
  const credit = new Credit({ now: time.now });
  spend(credit, time, "ada", 100);
  assert.equal(credit.waitMs("ada"), 0);
});

test("beside others, used seconds have to come back", () => {
  const time = clock();
  const credit = new Credit({ seconds: 4, perSecond: 0.5, now: time.now });
  spend(credit, time, "ada", 5);
  spend(credit, time, "ben", 0);
  assert.equal(credit.waitMs("ben"), 0);
  assert.equal(credit.waitMs("ada"), 2001);
  time.ms += 2001;
  assert.equal(credit.waitMs("ada"), 0);
});

test("a debt has a bound, and others count only while they are around", () => {
  const time = clock();
  const credit = new Credit({ seconds: 4, debt: 4, perSecond: 0.5, aroundMs: 10_000, now: time.now });
  spend(credit, time, "ada", 1000);
  spend(credit, time, "ben", 0);
  assert.equal(credit.waitMs("ada"), 8001);
  time.ms += 6000;
  assert.equal(credit.waitMs("ada"), 2001);
  const late = new Credit({ seconds: 4, aroundMs: 1000, now: time.now });
  spend(late, time, "ben", 0);
  spend(late, time, "ada", 1000);
  assert.equal(late.waitMs("ada"), 0);
});

test("accounts that left are forgotten", () => {
  const time = clock();
  const credit = new Credit({ now: time.now });
  spend(credit, time, "ada", 1);
  time.ms += 60_000;
  spend(credit, time, "ben", 1);
  assert.deepEqual([...credit.accounts.keys()], ["ben"]);
});

test("a turn without credit begins once there is some, without another's end", async () => {
  const credit = new Credit({ seconds: 0.01, debt: 0.02, perSecond: 1 });
  const turns = new Turns({ credit });
  const end = await turns.take("ada");
  (await turns.take("ben"))();
  await new Promise((resolve) => setTimeout(resolve, 40));
  end();
  const asked = Date.now();
  assert.ok(await turns.take("ada"));
  assert.ok(Date.now() - asked >= 15);
});

test("who has credit sooner waits for nobody who has it later", async () => {
  const from = Date.now();
  const begins = { ada: from + 2000, ben: from + 20 };
  const credit = { waitMs: (account) => Math.max(begins[account] - Date.now(), 0), begin: () => () => {} };
  const turns = new Turns({ credit, waitMs: 1000 });
  const late = turns.take("ada");
  assert.ok(await turns.take("ben"));
  assert.ok(Date.now() - from < 900);
  assert.equal(await late, null);
});
