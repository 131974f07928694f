/** Sandboxes that end at a bad moment, and what they do while no hook runs: the host goes on with one clear error. */
import assert from "node:assert/strict";
import { PluginError } from "../../core/errors.ts";
import type { Json, TrainingRecord } from "../../core/types.ts";
import { writeHistory } from "../../sandbox/protocol/history.ts";
import { allSeconds, withSandbox } from "../support/sandboxes.ts";

/** More than a pipe takes, so that the host waits while it sends. */
const LONG = { config: {}, seed: 0, more: "x".repeat(4e6) };

/** Runs `work` and fails where a promise was rejected that nobody waited for. */
async function withoutUnhandled(work: () => Promise<void>): Promise<void> {
  const unhandled: unknown[] = [];
  const hear = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    unhandled.push(event.reason);
  };
  addEventListener("unhandledrejection", hear);
  try {
    await work();
    await new Promise((resolve) => setTimeout(resolve, 50));
  } finally {
    removeEventListener("unhandledrejection", hear);
  }
  assert.deepEqual(unhandled, []);
}

/** How a sandbox ends while a message is on its way, and what is said then. */
const ENDINGS: { readonly [how: string]: readonly [head: string, message: RegExp] } = {
  "it never reads": ["for (;;);", /the hook may take at most 2 s: it was still running/],
  "it exits at once": ["Deno.exit(3);", /it exited with code 3/],
  "it exits later": [
    "const end = performance.now() + 300; while (performance.now() < end); Deno.exit(4);",
    /it exited with code 4/,
  ],
  "it throws": ["throw new Error('broken');", /broken/],
  "it sends what is no frame": [
    "(await import('node:fs')).writeSync(1, new Uint8Array(64)); for (;;);",
    /must be frames of the protocol/,
  ],
  "it prints a broken request for permission": [
    String
      .raw`Deno.stderr.writeSync(new TextEncoder().encode('{"v":1,"datetime":"x","permission":"read","value":"\\q"}\n')); Deno.exit(5);`,
    /it exited with code 5/,
  ],
};

for (const [how, [head, message]] of Object.entries(ENDINGS)) {
  Deno.test(`openSandbox() gives one error where a sandbox ends under a long message: ${how}`, async () => {
    await withoutUnhandled(() =>
      withSandbox({ head, body: "prepare: () => ({})," }, { seconds: allSeconds(2) }, async (host) => {
        const calls = [host.call("prepare", LONG), host.call("prepare", LONG)];
        const results = await Promise.allSettled(calls);
        for (const result of results) {
          assert.equal(result.status, "rejected");
          const { reason } = result as PromiseRejectedResult;
          assert.ok(reason instanceof PluginError, String(reason));
          assert.match(reason.message, message);
        }
      })
    );
  });
}

Deno.test("close() ends calls that are under way, and calls after it, each with an error", async () => {
  await withoutUnhandled(() =>
    withSandbox({ head: "for (;;);" }, {}, async (host) => {
      const calls = [host.call("prepare", LONG), host.call("describe", {})];
      const settled = Promise.allSettled(calls);
      await host.close();
      for (const { status } of await settled) assert.equal(status, "rejected");
      await assert.rejects(host.call("describe", {}), /the sandbox was closed/);
    })
  );
});

Deno.test("openSandbox() looks at the files of a sandbox also while no hook runs", async () => {
  const head = `const [, shared] = Deno.args;
    setTimeout(() => { for (let i = 0; i < 30; i++) Deno.writeTextFileSync(shared + "/" + i, "x"); }, 1500);`;
  await withSandbox({ head }, { diskFiles: 20 }, async (host) => {
    await host.call("describe", {});
    await new Promise((resolve) => setTimeout(resolve, 5000)); // the host trains meanwhile
    await assert.rejects(host.call("describe", {}), /may leave at most 20 files/);
  });
});

Deno.test("openSandbox() counts a sparse file by the size it has for whoever reads it", async () => {
  const body = `prepare() { const [, shared] = Deno.args;
    for (const i of [1, 2, 3, 4]) {
      Deno.openSync(shared + "/giant" + i, { create: true, write: true }).truncateSync(2 ** 29);
    }
    return { tables: {}, simulated: true, source: "s" }; },`;
  await withSandbox({ body }, { diskBytes: 2 ** 30 }, async (host) => {
    await assert.rejects(
      host.call("prepare", { config: {}, seed: 0 }),
      /may write at most 1073741824 bytes: its files have 1610612736 and more/,
    );
  });
});

Deno.test("evaluate gets the whole history of 100,000 epochs", async () => {
  const body = `evaluate(_config, { history }) {
    const sum = history.reduce((total, { epoch }) => total + epoch, 0);
    return { summary: [history.length, sum, history.at(-1).split, history[0].loss].join(" ") }; },`;
  const epochs = Array.from({ length: 100_000 }, (_, i) => i + 1);
  const history = epochs.flatMap((epoch) =>
    ["train", "validation"].map((split) => ({
      epoch,
      step: epoch * 1000,
      split,
      loss: epoch === 1 ? NaN : 0.123456789012345,
      learningRate: 0.00123456789,
      seconds: 0.123456789,
      values: { loss: 0.123456789012345, accuracy: 0.987654321098765 },
    }))
  ) as unknown as TrainingRecord[];
  await withSandbox({ body }, {}, async (host, sharedDirectory) => {
    const args = { config: {}, seed: 0, metadata: {}, simulated: true, source: "s", tables: null };
    const sent = { ...args, history: await writeHistory(sharedDirectory, history) } as unknown as Json;
    const { summary } = await host.call("evaluate", sent) as { summary: string };
    assert.equal(summary, "200000 10000100000 validation NaN");
  });
});
