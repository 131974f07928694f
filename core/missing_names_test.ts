import assert from "node:assert/strict";
import { listNames, withMissingNames } from "./missing_names.ts";

const failure = async (work: () => unknown): Promise<string> => {
  try {
    await withMissingNames(() => Promise.resolve(work()));
  } catch (error) {
    return (error as Error).message;
  }
  return "";
};

Deno.test("listNames() gives the record itself outside of a hook", () => {
  const record = { a: 1 };
  assert.equal(listNames(record, { kind: "column" }), record);
});

Deno.test("listNames() makes an error of what is not there list the names there are", async () => {
  const read = (name: string) => () =>
    (listNames({ energy: [1] }, { kind: "column", of: "table t" }) as Record<string, unknown[]>)[name]!
      .length;
  assert.equal(
    await failure(read("enrgy")),
    `Cannot read properties of undefined (reading 'length'); found no column "enrgy" in table t among energy; did you mean "energy"?`,
  );
  assert.equal(
    await failure(read("time")),
    `Cannot read properties of undefined (reading 'length'); found no column "time" in table t among energy`,
  );
});

Deno.test("withMissingNames() leaves other errors, and those of an earlier hook, as they are", async () => {
  const miss = (): unknown => (listNames({ a: 1 }, { kind: "column" }) as Record<string, unknown>).b;
  assert.equal(
    await failure(() => {
      miss();
      throw new RangeError("too long");
    }),
    "too long",
  );
  await withMissingNames(() => Promise.resolve(miss()));
  const later = (): unknown => (undefined as unknown as { c: 1 }).c;
  assert.equal(await failure(later), "Cannot read properties of undefined (reading 'c')");
});

Deno.test("listNames() changes nothing for whoever lists, copies, prints or awaits the record", async () => {
  await withMissingNames(async () => {
    const record = listNames({ a: 1, ["__proto__"]: 2 }, { kind: "column" });
    assert.deepEqual(Object.keys(record), ["a", "__proto__"]);
    assert.deepEqual(Object.entries({ ...record }), Object.entries(record));
    assert.equal(Deno.inspect(record), Deno.inspect({ a: 1, ["__proto__"]: 2 }));
    assert.equal(JSON.stringify(record), '{"a":1,"__proto__":2}');
    assert.equal(await record, record);
    assert.equal("b" in record, false);
  });
});
