import assert from "node:assert/strict";
import { kernelProgram, numbers, runOnce } from "../../tests/conformance/harness.ts";
import { wasmEngine } from "./wasm.ts";

/** A program in a process of its own that may read `node_modules` and nothing else. */
const SCRIPT = `
import { wasmEngine } from ${JSON.stringify(new URL("wasm.ts", import.meta.url).href)};
import { kernelProgram, numbers } from ${
  JSON.stringify(new URL("../../tests/conformance/harness.ts", import.meta.url).href)
};
const x = numbers([2, 3]);
const session = await wasmEngine.open({});
const executable = await session.compile(kernelProgram("Relu", [x], {}));
const { y0 } = await executable.run({ x0: x });
const { state } = await Deno.permissions.query({ name: "ffi" });
console.log(JSON.stringify({ ffi: state, y: [...y0.data] }));
`;

Deno.test("wasmEngine runs in a process that may only read node_modules", async () => {
  const root = new URL("../../", import.meta.url);
  const modules = new URL("node_modules", root).pathname;
  const script = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(script, SCRIPT);
    const config = new URL("deno.json", root).pathname;
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--no-check", `--config=${config}`, `--allow-read=${modules}`, script],
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    const found = JSON.parse(new TextDecoder().decode(stdout));
    assert.deepEqual(found, {
      ffi: "prompt",
      y: [...numbers([2, 3]).data].map((value) => Math.max(Number(value), 0)),
    });
  } finally {
    await Deno.remove(script);
  }
});

Deno.test("wasmEngine has one thread, whatever is asked for", async () => {
  const session = await wasmEngine.open({}, { threads: 4 });
  assert.deepEqual([session.engine, session.threads], ["wasm", 1]);
  await session.dispose();
});

Deno.test("wasmEngine runs sessions that are used at once one after the other", async () => {
  const program = kernelProgram("Square", [numbers([64, 64])], {});
  const results = await Promise.all(
    Array.from({ length: 6 }, (_, i) => runOnce(wasmEngine, program, { x0: numbers([64, 64], -2, 2, i) })),
  );
  results.forEach(({ outputs }, i) => {
    const x = numbers([64, 64], -2, 2, i).data;
    assert.deepEqual(outputs["y0"]!.data, Float32Array.from(x as Float32Array, (value) => value * value));
  });
});
