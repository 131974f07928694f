import assert from "node:assert/strict";
import { launchersIn } from "./launchers.ts";

const LIST = `
      1       0 /sbin/init
    100       1 -bash
    200     100 npm exec deno@2.9.6 task run ecal
    201     200 sh -c 'deno' task run ecal
    202     201 deno task run ecal
    203     202 deno run --no-prompt tasks/run.ts ecal
    300     100 deno task run hcal
    400       1 deno task run hcal
`;

Deno.test("launchersIn() gives deno task, and npx and its shell around it, not the shell of the user", () => {
  assert.deepEqual(launchersIn(LIST, 202), [202, 201, 200]);
  assert.deepEqual(launchersIn(LIST, 300), [300]);
  assert.deepEqual(launchersIn(LIST, 400), [400]);
  assert.deepEqual(launchersIn("", 7), [7]);
});

Deno.test("launchersIn() ends where processes are each other's parents", () => {
  assert.deepEqual(launchersIn("5 6 npm exec a\n6 5 npm exec b\n", 5), [5, 6]);
});
