// Unit tests of turns: nobody holds all, nobody waits behind one account's queue, no turn is lost.
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { Turns } from "../turns.mjs";

test("an account holds no more than its share, and others are served meanwhile", async () => {
  const turns = new Turns({ total: 4, each: 2, waitMs: 20 });
  assert.ok(await turns.take("ada"));
  assert.ok(await turns.take("ada"));
  assert.equal(await turns.take("ada"), null);
  assert.ok(await turns.take("ben"));
});

test("all accounts together hold no more than the pool", async () => {
  const turns = new Turns({ total: 2, each: 2, waitMs: 20 });
  await turns.take("ada");
  await turns.take("ben");
  assert.equal(await turns.take("cleo"), null);
});

test("a turn that ends goes to the account that was not served last", async () => {
  const turns = new Turns({ total: 1, each: 1 });
  const end = await turns.take("ada");
  const order = [];
  const wait = (account) => turns.take(account).then((endNext) => order.push([account, endNext]));
  const waiting = [wait("ada"), wait("ada"), wait("ben")];
  end();
  for (let served = 0; served < 3; served += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    order[served][1]();
  }
  await Promise.all(waiting);
  assert.deepEqual(
    order.map(([account]) => account),
    ["ada", "ben", "ada"],
  );
});

test("a turn that is ended twice frees one place", async () => {
  const turns = new Turns({ total: 1, each: 1, waitMs: 20 });
  const end = await turns.take("ada");
  end();
  end();
  assert.ok(await turns.take("ben"));
  assert.equal(await turns.take("cleo"), null);
});

test("who leaves while waiting takes no turn", async () => {
  const turns = new Turns({ total: 1, each: 1 });
  const end = await turns.take("ada");
  const client = new EventEmitter();
  const waiting = turns.take("ben", client);
  client.emit("close");
  assert.equal(await waiting, null);
  end();
  assert.ok(await turns.take("cleo"));
});

test("a queue has an end", async () => {
  const turns = new Turns({ total: 1, each: 1, waiting: 1, waitMs: 1000 });
  const end = await turns.take("ada");
  const second = turns.take("ada");
  assert.equal(await turns.take("ada"), null);
  end();
  assert.ok(await second);
});
