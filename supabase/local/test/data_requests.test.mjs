// Unit tests of what the gateway refuses to ask PostgREST.
import assert from "node:assert/strict";
import { test } from "node:test";
import { reasonToRefuse } from "../data_requests.mjs";

const refused = (headers, search = "") => reasonToRefuse({ headers, search }) !== null;

for (const prefer of [
  "count=planned",
  "count=estimated",
  "COUNT=Planned",
  "return=minimal, count=planned",
  "return=minimal,count=estimated",
  " count=planned ",
  "count=exact, count=planned",
  "count = planned",
  "count=planned;q=1",
  "timezone=Europe/Berlin",
]) {
  test(`Prefer: ${prefer} is refused`, () => assert.ok(refused({ prefer })));
}

for (const prefer of [undefined, "", "count=exact", "return=representation,resolution=merge-duplicates"]) {
  test(`Prefer: ${prefer} passes`, () => assert.ok(!refused({ prefer })));
}

for (const search of [
  "?model_name=match.(a*)*b",
  "?model_name=imatch.x",
  "?model_name=not.match.x",
  "?model_name=match(any).{a,b}",
  "?model_name=imatch(all).{a}",
  "?model_name=MATCH.x",
  "?model_name=%6datch.x",
  "?imports.filename=match.x",
  "?or=(model_name.match.x,id.eq.1)",
  "?and=(id.eq.1,or(model_name.not.imatch.x,id.eq.2))",
  "?not.or=(model_name.match.x)",
  "?imports.or=(filename.imatch(any).{x})",
  "?or=(id.eq.1, model_name.match.x)",
  "?metadata->>a=match.x",
]) {
  test(`a regular expression in ${search} is refused`, () => assert.ok(refused({}, search)));
}

for (const search of [
  "?model_name=eq.match.x",
  "?model_name=in.(match,imatch)",
  "?filename=like.*match.*",
  "?select=match.x",
  "?order=match.desc",
  "?or=(model_name.eq.rematch,id.eq.1)",
]) {
  test(`${search} passes`, () => assert.ok(!refused({}, search)));
}
