import assert from "node:assert/strict";
import { kernelProgram, numbers, runOnce } from "../../../tests/conformance/harness.ts";
import { GraphSession } from "../graphs/graph_session.ts";
import { packageOrt } from "../graphs/ort_package.ts";
import { remoteBinding, type RemoteCall, type RemoteWorker, startWorker } from "./ort_web_remote.ts";
import type { Engine } from "../types.ts";
import { wasmEngine } from "./wasm.ts";

/** A program in a process of its own that may read `node_modules` and nothing else. */
const SCRIPT = `
import { wasmEngine } from ${JSON.stringify(new URL("wasm.ts", import.meta.url).href)};
import { kernelProgram, numbers } from ${
  JSON.stringify(new URL("../../../tests/conformance/harness.ts", import.meta.url).href)
};
const x = numbers([2, 3]);
const session = await wasmEngine.open({});
const executable = await session.compile(kernelProgram("Relu", [x], {}));
const { y0 } = await executable.run({ x0: x });
const { state } = await Deno.permissions.query({ name: "ffi" });
console.log(JSON.stringify({ ffi: state, y: [...y0.data] }));
`;

Deno.test("wasmEngine runs in a process that may only read node_modules", async () => {
  const root = new URL("../../../", import.meta.url);
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

Deno.test("wasmEngine has one thread unless more are asked for", async () => {
  const session = await wasmEngine.open({});
  assert.deepEqual([session.engine, session.threads], ["wasm", 1]);
  await session.dispose();
  await assert.rejects(wasmEngine.open({}, { threads: 0 }), { name: "RangeError" });
});

Deno.test("remoteBinding() runs a graph in a worker, which ends with it", async () => {
  let [started, ended] = [0, 0];
  const start = () => {
    const worker = startWorker();
    const terminate = worker.terminate.bind(worker);
    worker.terminate = () => {
      ended++;
      terminate();
    };
    started++;
    return worker;
  };
  // One thread cannot hang, and what is tested here does not depend on their number.
  const remote = remoteBinding(start, 1, { limitMs: 600_000 }); // whatever else the machine does
  const ort = packageOrt(remote, { version: "", providers: ["wasm"] });
  const engine: Engine = {
    name: "wasm",
    open: (state) =>
      Promise.resolve(new GraphSession({ engine: "wasm", ort, threads: 1, threadsFor: () => 1 }, state)),
  };
  const program = kernelProgram("Square", [numbers([2, 3])], {});
  const inputs = { x0: numbers([2, 3]) };
  const { outputs } = await runOnce(engine, program, inputs);
  assert.deepEqual(outputs, (await runOnce(wasmEngine, program, inputs)).outputs);
  assert.deepEqual([started, ended], [1, 1]);
  await assert.rejects(ort.load(Uint8Array.of(1), { inputs: [], outputs: [] }, { threads: 1 }), {
    name: "InternalError",
    message: /^Cannot load graph as ONNX Runtime refused: /,
  });
  assert.deepEqual([started, ended], [2, 2]);
});

Deno.test("remoteBinding() ends a call that hangs, with the advice to use one thread", async () => {
  let ended = 0;
  /** Loads graphs and never runs one. */
  const start = (): RemoteWorker => {
    const worker: RemoteWorker = {
      onmessage: null,
      onerror: null,
      terminate: () => void ended++,
      postMessage({ what }: RemoteCall) {
        const event = new MessageEvent("message", { data: { result: undefined } });
        if (what === "create") queueMicrotask(() => worker.onmessage!.call(worker as Worker, event));
      },
    };
    return worker;
  };
  const ort = packageOrt(remoteBinding(start, 2, { limitMs: 20 }), { version: "", providers: ["wasm"] });
  const model = await ort.load(new Uint8Array(0), { inputs: [], outputs: [] }, { threads: 2 });
  await assert.rejects(Promise.resolve(model.bind([], [])()), {
    name: "UnsupportedError",
    message:
      'Cannot run engine "wasm" on 2 threads as each call must end within 0.02 s: "run" did not; use --threads 1',
  });
  assert.equal(ended, 1);
  await model.dispose(); // gone already
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
