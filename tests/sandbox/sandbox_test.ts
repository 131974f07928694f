/** What a sandbox does when its plugin misbehaves; the escape attempts have their own folder. */
import assert from "node:assert/strict";
import { DataError, PluginError } from "../../core/errors.ts";
import type { HookListener } from "../../sandbox/protocol/plugin_host.ts";
import type { HookEvent } from "../../sandbox/protocol/messages.ts";
import type { PluginText } from "../support/plugins.ts";
import { allSeconds, withSandbox } from "../support/sandboxes.ts";

const PREPARE = { config: {}, seed: 0 };

function prepare(statements: string): PluginText {
  return { body: `prepare() { ${statements}; return { tables: {}, simulated: true, source: "none" }; },` };
}

async function rejection(promise: Promise<unknown>): Promise<PluginError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof PluginError, String(error));
    return error;
  }
  assert.fail("the call must be rejected");
}

Deno.test("openSandbox() runs describe, parse and prepare", async () => {
  await withSandbox(
    { ...prepare(""), config: `depth: z.int().min(1).default(3).describe("layers")` },
    {},
    async (host) => {
      const description = await host.call("describe", {}) as { name: string; hooks: string[] };
      assert.equal(description.name, "trial");
      assert.deepEqual(description.hooks, ["prepare"]);
      assert.deepEqual(await host.call("parse", { values: {} }), {
        ok: true,
        config: { depth: 3 },
        models: {},
      });
      const wrong = await host.call("parse", { values: { depth: 0, dept: 1 } }) as {
        ok: boolean;
        issues: { path: string }[];
      };
      assert.equal(wrong.ok, false);
      assert.deepEqual(wrong.issues.map(({ path }) => path).sort(), ["dept", "depth"]);
      assert.deepEqual(await host.call("prepare", { config: { depth: 1 }, seed: 0 }), {
        readsFold: false,
        simulated: true,
        source: "none",
        metadata: {},
        notes: [],
      });
    },
  );
});

Deno.test("openSandbox() names plugin, hook and cause when a hook throws", async () => {
  await withSandbox(prepare(`throw new TypeError("no such cell")`), {}, async (host) => {
    const error = await rejection(host.call("prepare", PREPARE));
    assert.equal(error.message, "[trial prepare] TypeError: no such cell (at mod.ts:7:21)");
    assert.equal((error.cause as Error).name, "TypeError");
  });
});

Deno.test("openSandbox() keeps a data error a data error", async () => {
  const text = {
    ...prepare(`throw new DataError("Cannot read the file", "a.npz")`),
    head: `import { DataError } from "beamline";`,
  };
  await withSandbox(text, {}, async (host) => {
    await assert.rejects(
      host.call("prepare", PREPARE),
      (error: Error) => error instanceof DataError && error.file === "a.npz",
    );
  });
});

Deno.test("openSandbox() tells when the plugin exits", async () => {
  await withSandbox(prepare("Deno.exit(7)"), {}, async (host) => {
    const error = await rejection(host.call("prepare", PREPARE));
    assert.match(
      error.message,
      /^\[trial prepare\] Cannot finish as the sandbox must live .* exited with code 7/,
    );
  });
});

Deno.test("openSandbox() ends a hook that loops past its limit", async () => {
  await withSandbox(prepare("for (;;) {}"), { seconds: allSeconds(2) }, async (host) => {
    const error = await rejection(host.call("prepare", PREPARE));
    assert.match(error.message, /may take at most 2 s: it was still running; raise it with --hook-timeout/);
  });
});

Deno.test("openSandbox() turns prints into log events and keeps the protocol whole", async () => {
  const statements = `console.log("a", 1); Deno.stdout.writeSync(new TextEncoder().encode("b\\n"));
    process.stdout.write("c\\n")`;
  await withSandbox(
    { ...prepare(statements), head: `import process from "node:process";` },
    {},
    async (host) => {
      const events: HookEvent[] = [];
      const listener: HookListener = { onEvent: (event) => void events.push(event) };
      assert.equal((await host.call("prepare", PREPARE, listener) as { source: string }).source, "none");
      const texts = events.filter((event) => event.event === "log").map((event) =>
        event.event === "log" ? event.text : ""
      );
      assert.deepEqual(texts.slice(0, 2), ["a 1", "b"]);
    },
  );
});

Deno.test("openSandbox() ends a sandbox whose messages are not frames", async () => {
  const text = { ...prepare(`fs.writeSync(1, "garbage")`), head: `import * as fs from "node:fs";` };
  await withSandbox(text, {}, async (host) => {
    const error = await rejection(host.call("prepare", PREPARE));
    assert.match(error.message, /messages must be frames of the protocol/);
  });
});

Deno.test("openSandbox() grants neither net, run, ffi nor files outside", async () => {
  const attempts: { [what: string]: string } = {
    run: `new Deno.Command("true").outputSync()`,
    ffi: `Deno.dlopen("libm.so.6", {})`,
    net: `await Deno.connect({ hostname: "127.0.0.1", port: 9 })`,
    read: `Deno.readTextFileSync("/etc/hostname")`,
    write: `Deno.writeTextFileSync("/tmp/beamline-escape", "x")`,
  };
  const body = `async prepare() {
    const denied = [];
    for (const [what, attempt] of Object.entries(attempts)) {
      try { await attempt(); } catch (error) { if (error.name === "NotCapable") denied.push(what); }
    }
    return { tables: {}, simulated: true, source: denied.join(",") };
  },`;
  const head = `const attempts = { ${
    Object.entries(attempts).map(([what, code]) => `${what}: async () => { ${code}; }`).join(", ")
  } };`;
  await withSandbox({ head, body }, {}, async (host) => {
    const { source } = await host.call("prepare", PREPARE) as { source: string };
    assert.equal(source, Object.keys(attempts).join(","));
  });
});

Deno.test("openSandbox() refuses a static import of a file outside the grants", async () => {
  await withSandbox(
    {
      ...prepare(""),
      head: `import text from "/etc/hostname" with { type: "text" }; void text;`,
    },
    {},
    async (host) => {
      const error = await rejection(host.call("prepare", PREPARE));
      assert.match(error.message, /Requires read access/);
    },
  );
});
