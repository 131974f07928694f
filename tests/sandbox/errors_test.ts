/** What an error of a hook says: plugin, hook, message, and the place in the plugin as its author wrote it. */
import assert from "node:assert/strict";
import { PluginError } from "../../core/errors.ts";
import type { Json } from "../../core/types.ts";
import type { HookName } from "../../sandbox/protocol/limits.ts";
import type { HookListener } from "../../sandbox/protocol/plugin_host.ts";
import { inProcessSource } from "../../run/hooks/plugin_source.ts";
import { definePlugin, z } from "../../mod.ts";
import { withTempDir } from "../support/plugins.ts";
import { withSandbox } from "../support/sandboxes.ts";

const EVALUATE = {
  config: {},
  seed: 1,
  metadata: {},
  simulated: true,
  source: "s",
  tables: null,
  history: [],
};

/** What a hook fails with. */
async function failure(
  text: { readonly head?: string; readonly body: string },
  hook: HookName = "evaluate",
  listener: HookListener = {},
): Promise<string> {
  let message = "";
  await withSandbox(text, {}, async (host) => {
    await assert.rejects(host.call(hook, EVALUATE as unknown as Json, listener), (error) => {
      assert.ok(error instanceof PluginError, String(error));
      message = error.message;
      return true;
    });
  });
  return message;
}

// The modules begin with an import and an empty line or a head: the head is line 2, the body line 7 of the source.
const figure = `curveFigure({ name: "b", title: "t", caption: "c", simulated: true, x: { label: "x" },
    y: { label: "y" }, series: [{ label: "s", x: [0, 1], y: [0, NaN] }] })`;
const plot = 'import { curveFigure } from "beamline/plot";';
const NAN = 'Cannot draw figure "b" as y of series "s" must hold finite numbers only: found NaN at index 1';

Deno.test("a hook's error names file, line and column of the TypeScript source", async () => {
  const body = "evaluate(config: object) { const o: any = {};\n    return (o as any).a.b; },";
  assert.equal(
    await failure({ body }),
    "[trial evaluate] TypeError: Cannot read properties of undefined (reading 'b') (at mod.ts:8:25)",
  );
});

Deno.test("a hook's error names the plugin's last frame where a function of Beamline or of tfjs throws", async () => {
  const table = 'import { columnOf } from "beamline/data";';
  assert.equal(
    await failure({ head: table, body: 'evaluate: () => { columnOf({}, "x"); return {}; },' }),
    '[trial evaluate] Cannot find column "x" as the table has no columns (at mod.ts:7:21)',
  );
  const tf = 'import * as tf from "beamline/tf";';
  const body = "async evaluate() { await 0; tf.matMul(tf.ones([2, 3]), tf.ones([2, 3])); return {}; },";
  assert.match(await failure({ head: tf, body }), /inner shapes \(3\) and \(2\).* \(at mod\.ts:7:34\)$/);
});

Deno.test("a hook's error keeps its place over an await, and where the host refuses a call", async () => {
  const body = `async evaluate(_config, context) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return await compare(context);
  }, `;
  const head = "const compare = async (context) => ({ a: (await context.predict('m', 'test')).y });";
  const onCall = () => Promise.reject(new TypeError("there is no such model"));
  assert.equal(
    await failure({ head, body }, "evaluate", { onCall }),
    "[trial evaluate] TypeError: there is no such model (at mod.ts:2:57)",
  );
});

Deno.test("a hook's error names the place of its cause where it has none of its own", async () => {
  const head = "const inner = () => { throw new Error('inner'); };";
  const body = `evaluate() {
    try { inner(); } catch (cause) { throw Object.assign(new Error("outer", { cause }), { stack: "Error: outer" }); }
  }, `;
  assert.equal(await failure({ head, body }), "[trial evaluate] Error: outer (at mod.ts:2:29)");
});

Deno.test("a rejected promise of a figure is an error of evaluate, whenever it is rejected", async () => {
  assert.equal(
    await failure({ head: plot, body: `evaluate: () => ({ figures: [${figure}] }),` }),
    `[trial evaluate] ${NAN} (at mod.ts:7:32)`,
  );
  assert.equal(
    await failure({
      head: plot,
      body: "evaluate: () => ({ figures: [Promise.reject(new Error('lost'))] }),",
    }),
    "[trial evaluate] Error: lost (at mod.ts:7:47)",
  );
  const late = `async evaluate() { const drawn = ${figure};
    await new Promise((resolve) => setTimeout(resolve, 1000)); return { figures: [drawn] }; },`;
  assert.equal(
    await failure({ head: plot, body: late }),
    `[trial evaluate] ${NAN} (in a promise that nobody was awaiting, at mod.ts:7:36)`,
  );
});

Deno.test("a rejection or an exception that nobody waits for is an error of the hook that it belongs to", async () => {
  assert.equal(
    await failure({ body: "evaluate() { Promise.reject(new Error('left')); return {}; }," }),
    "[trial evaluate] Error: left (in a promise that nobody was awaiting, at mod.ts:7:31)",
  );
  const body = "evaluate: () => new Promise(() => setTimeout(() => { throw new Error('late'); }, 1)),";
  assert.equal(
    await failure({ body }),
    "[trial evaluate] Error: late (in a callback that nobody was waiting for, at mod.ts:7:62)",
  );
});

Deno.test("an error that comes between two hooks is told by the next one, with the name of the former", async () => {
  const body = "simulate() { setTimeout(() => { throw new Error('late'); }, 100); return []; },";
  await withSandbox({ body }, {}, async (host) => {
    await host.call("simulate", { config: {}, seed: 1 });
    await new Promise((resolve) => setTimeout(resolve, 500));
    await assert.rejects(host.call("evaluate", EVALUATE as unknown as Json), {
      message: "[trial simulate] Error: late (in a callback that nobody was waiting for, at mod.ts:7:41)",
    });
  });
});

Deno.test("a module that cannot be loaded is named with the place", async () => {
  const of = (head: string) => failure({ head, body: "" });
  const says = (text: string) => `[trial evaluate] Cannot load the plugin as ${text}`;
  assert.equal(
    await of('import { colum } from "beamline/data"; colum(1);'),
    says(
      "what it imports must be exported: the requested module 'beamline/data' does not provide an export named 'colum' (at mod.ts:2:10)",
    ),
  );
  assert.equal(
    await of("const a = ;"),
    says('its modules must be TypeScript: Expression expected in "const a = ;" (at mod.ts:2:11)'),
  );
  assert.equal(
    await of('import "./absent.ts";'),
    says('every module that it imports must be there: found no "absent.ts" (at mod.ts:2:8)'),
  );
  const allowed =
    "it may import beamline, its sub-paths (beamline/data, beamline/nn, ...) and files of its folder";
  assert.equal(await of('import "lodash";'), says(`${allowed}: found "lodash" (at mod.ts:2:8)`));
  assert.equal(
    await of('import "https://example.org/a.ts";'),
    says(`${allowed}: found "https://example.org/a.ts" (at mod.ts:2:8)`),
  );
  assert.equal(await of("a.b;"), "[trial evaluate] ReferenceError: a is not defined (at mod.ts:2:1)");
});

Deno.test("what is thrown and is no Error is shown, and so is a result that JSON does not have", async () => {
  const of = (result: string) => failure({ body: `evaluate() { ${result} },` });
  const rule =
    "[trial evaluate] Cannot continue as what is thrown must be an Error, which knows where it was made";
  assert.equal(await of('throw "a text";'), `${rule}: found a text`);
  assert.equal(await of("throw { a: 1 };"), `${rule}: found { a: 1 }`);
  assert.equal(await of("throw null;"), `${rule}: found null`);
  const json = "[trial evaluate] Cannot use what the hook returned as it must be JSON";
  assert.equal(
    await of("return { results: { a: [10n] } };"),
    `${json}: results.a.0 is a BigInt; give Number(...) or a text`,
  );
  assert.equal(
    await of("const a = {}; a.b = a; return { results: { a } };"),
    `${json}: results.a.b contains itself`,
  );
  const lost: [given: string, problem: string][] = [
    ["new Map()", "is a Map; give Object.fromEntries(...)"],
    ["new Set()", "is a Set; give Array.from(...)"],
    ["Float32Array.of(1)", "is a typed array; give Array.from(...)"],
    ["Promise.resolve(1)", "is a promise; await it"],
    ["() => 1", "is a function; give what it returns"],
  ];
  for (const [given, problem] of lost) {
    assert.equal(await of(`return { results: { a: ${given} } };`), `${json}: results.a ${problem}`);
  }
});

Deno.test("hooks of this process tell of their errors alike, and of rejections that nobody awaits", async () => {
  await withTempDir(async (directory) => {
    const evaluates = [
      () => {
        void Promise.reject(new Error("left"));
        return {};
      },
      () => ({ figures: [Promise.reject(new Error("drawn"))] }),
    ];
    const messages: string[] = [];
    for (const evaluate of evaluates) {
      const plugin = definePlugin({ name: "here", title: "t", config: z.object({}), evaluate });
      const host = await inProcessSource(plugin as never).open({ read: [], sharedDirectory: directory });
      await host.call("evaluate", EVALUATE as unknown as Json).catch((error) => messages.push(error.message));
    }
    assert.match(
      messages[0]!,
      /^\[here evaluate\] Error: left \(in a promise that nobody was awaiting, at .*errors_test\.ts:\d+:\d+\)$/,
    );
    assert.match(messages[1]!, /^\[here evaluate\] Error: drawn \(at .*errors_test\.ts:\d+:\d+\)$/);
  });
});
