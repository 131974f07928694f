/**
 * A plugin that puts links, other files and other bytes in the place of what it has handed over, while the host looks at
 * it: from a worker, which goes on while the plugin waits. Its options say during which hook, and what.
 *
 * @module
 */
import { pluginSource } from "../support/plugins.ts";

/** A race: it begins a moment after a file is there, and puts links to the user's files in the place of others. */
export interface Race {
  /** The last file that is handed over; once it is there, nothing else is made. */
  readonly after: string;
  /** In the shared directory, and what of the user would be read through a link in its place. */
  readonly swaps: { readonly [name: string]: string };
}

/** Races by the hook in which they are run. */
export const RACES = {
  prepare: {
    after: "tables/tables.json",
    swaps: {
      "tables": "",
      "tables/tables.json": "tables.json",
      "tables/train": "train",
      "tables/train/x.npy": "private.npy",
    },
  },
  trace: {
    after: "models/m/state.safetensors",
    swaps: {
      "models": "",
      "models/m": "m",
      "models/m/predict.json": "id_rsa",
      "models/m/state.safetensors": "id_rsa",
    },
  },
  upload: { after: "call-1/0.npy", swaps: { "call-1": "train", "call-1/0.npy": "private.npy" } },
  call: { after: "call-4/0.npy", swaps: { "call-4": "train", "call-4/0.npy": "private.npy" } },
  evaluate: {
    after: "predictions/p.npy",
    swaps: {
      "figures": "",
      "figures/a.svg": "id_rsa",
      "figures/a.json": "id_rsa",
      "predictions": "",
      "predictions/p.npy": "private.npy",
    },
  },
  action: { after: "files/out.txt", swaps: { "files": "", "files/out.txt": "id_rsa" } },
  simulate: { after: "files/out.txt", swaps: { "files": "", "files/out.txt": "id_rsa" } },
  readForPrediction: {
    after: "tables/new/columns.json",
    swaps: { "tables": "", "tables/new": "new", "tables/new/x.npy": "private.npy" },
  },
} satisfies { readonly [stage: string]: Race };

/** The entry module. */
export const RACER: string = pluginSource({
  name: "racer",
  head: `import { column } from "beamline/data";
import { adam, dense, meanSquaredError } from "beamline/nn";
import * as tf from "beamline/tf";
const shared = Deno.args[1]!;
let ways = "";
async function race({ outside, races }, stage: string) {
  const race = JSON.parse(races)[stage];
  if (!race) return;
  const worker = new Worker(new URL("./swapper.ts", import.meta.url).href, { type: "module" });
  await new Promise((resolve) => {
    worker.onmessage = ({ data }) => { ways = data; resolve(0); };
    worker.postMessage({ shared, outside, race });
  });
}
const rows = (n: number) => ({
  x: column(new Float32Array(n * 2), { unit: "1", shape: [n, 2] }),
  y: column(new Float32Array(n), { unit: "1", shape: [n, 1] }),
});
const mine = () => ({ dtype: "float32", shape: [64, 2], data: new Float32Array(128) });
const svg = "<svg xmlns='http://www.w3.org/2000/svg'/>";`,
  config: `outside: z.string().default(""), races: z.string().default("{}"),
    ...trainingOptions({ epochs: 1, learningRate: 0.01 })`,
  body: `async prepare(config) {
    await race(config, "prepare");
    return { tables: { train: rows(256), validation: rows(64) }, simulated: true, source: "s" };
  },
  models: { m: { inputs: () => ["x"], targets: () => ["y"], build(config) {
    if (JSON.parse(config.races).trace) {
      void race(config, "trace");
      for (const end = performance.now() + 300; performance.now() < end;); // until the worker runs
    }
    const layer = dense({ inputs: 2, units: 1 });
    return {
      predict: ({ x }) => ({ y: layer(x!) }),
      loss: ({ x, y }) => ({ loss: meanSquaredError(y!, layer(x!)) }),
      optimizer: adam(),
      programs: { echo: { rows: 64, inputs: { a: { shape: [2] } }, run: ({ a }) => ({ out: tf.mul(a!, 1) }) } },
    };
  } } },
  async evaluate(config, context) {
    await race(config, "upload");
    {
      const { out } = await context.call("m", "echo", { a: context.upload(mine()) });
      if (out!.data[0] !== 0) throw new Error("stolen " + out!.data[0]);
    }
    await race(config, "call");
    for (let i = 0; i < 4; i++) {
      const { out } = await context.call("m", "echo", { a: mine() });
      if (out!.data[0] !== 0) throw new Error("stolen " + out!.data[0]);
    }
    await race(config, "evaluate");
    return {
      summary: ways,
      figures: [{ name: "a", title: "A", caption: "", svg, data: {} }],
      predictions: { p: column(new Float32Array(128), { unit: "1", shape: [64, 2] }) },
    };
  },
  actions: { act: { title: "files", prepare: false, async run(config, context) {
    await race(config, "action");
    Deno.writeTextFileSync(context.directory + "/out.txt", "mine");
    return { summary: ways, files: ["out.txt"] };
  } } },
  async simulate(config, context) {
    await race(config, "simulate");
    Deno.writeTextFileSync(context.directory + "/out.txt", "mine");
    return ["out.txt"];
  },
  async readForPrediction(config) {
    await race(config, "readForPrediction");
    return { table: { x: rows(64).x }, simulated: true, source: "s" };
  },`,
});

/** The worker: makes links by every way that there is and renames them onto the files; else it changes their bytes. */
export const SWAPPER = `import { WASI } from "node:wasi";
import fs from "node:fs";

function wasiWays(shared) {
  const wasi = new WASI({ version: "preview1", preopens: { "/x": shared } });
  const module = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 5, 3, 1, 0, 1, 7, 10, 1, 6, 109,
    101, 109, 111, 114, 121, 2, 0]));
  const instance = new WebAssembly.Instance(module);
  wasi.initialize(instance);
  const put = (at, text) => {
    const bytes = new TextEncoder().encode(text);
    new Uint8Array(instance.exports.memory.buffer).set(bytes, at);
    return bytes.length;
  };
  const checked = (code) => { if (code !== 0) throw new Error("refused with code " + code); };
  const calls = wasi.wasiImport;
  return {
    "path_symlink": (target, name) => checked(calls.path_symlink(100, put(100, target), 3, 2000, put(2000, name))),
    "path_link": (target, name) => checked(calls.path_link(3, 0, 100, put(100, target), 3, 2000, put(2000, name))),
  };
}

function allWays(shared) {
  const found = {
    "Deno.symlink": (target, name) => Deno.symlinkSync(target, shared + "/" + name),
    "node:fs symlink": (target, name) => fs.symlinkSync(target, shared + "/" + name),
    "Deno.link": (target, name) => Deno.linkSync(target, shared + "/" + name),
    "node:fs link": (target, name) => fs.linkSync(target, shared + "/" + name),
  };
  try {
    Object.assign(found, wasiWays(shared));
  } catch { /* no folder is both readable and writable */ }
  return found;
}

function changeBytes(path) {
  const file = Deno.openSync(path, { write: true });
  file.seekSync(-4, Deno.SeekMode.End);
  file.writeSync(new Uint8Array(new Float32Array([performance.now()]).buffer));
  file.close();
}

self.onmessage = ({ data: { shared, outside, race } }) => {
  const links = allWays(shared);
  let count = 0;
  const made = [];
  for (const [way, link] of Object.entries(links)) {
    try { link(outside + "/id_rsa", "probe" + ++count); made.push(way); Deno.removeSync(shared + "/probe" + count); } catch { /* refused */ }
  }
  const exchange = (path, target) => {
    const info = Deno.lstatSync(path);
    if (info.isSymlink) return;
    for (const link of Object.values(links)) {
      const fresh = "zz" + ++count;
      try { link(outside + "/" + target, fresh); } catch { continue; }
      if (info.isDirectory) Deno.renameSync(path, shared + "/yy" + count);
      Deno.renameSync(shared + "/" + fresh, path);
      return;
    }
  };
  const swap = () => {
    for (const [name, target] of Object.entries(race.swaps)) {
      try { exchange(shared + "/" + name, target); } catch { /* not there, or gone */ }
      if (!name.endsWith(".npy")) continue; // what is no longer JSON would end the run
      try { changeBytes(shared + "/" + name); } catch { /* not there, or gone */ }
    }
    setTimeout(swap, 0);
  };
  const isThere = () => {
    try {
      if (Deno.permissions.querySync({ name: "read", path: shared }).state === "granted") Deno.lstatSync(shared + "/" + race.after);
      else Deno.openSync(shared + "/" + race.after, { write: true }).close();
      return true;
    } catch { return false; }
  };
  const wait = () => isThere() ? setTimeout(swap, race.waitMs) : setTimeout(wait, 0);
  postMessage("links by " + (made.join(", ") || "no way"));
  wait();
};
`;
