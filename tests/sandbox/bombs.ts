/**
 * Attempts to end, starve, flood or deceive the host. Each runs in a sandbox of its own with tight limits; it must end in
 * the way given here, in time, with the host as it was.
 *
 * @module
 */
import type { SandboxLimits } from "../../sandbox/protocol/limits.ts";

/** One attempt with a sandbox of its own. */
export interface Bomb {
  readonly name: string;
  /** Statements before the plugin, at import. */
  readonly head?: string;
  /** Body of the hook `prepare`; returns nothing. */
  readonly code: string;
  /** The message of the error with which the hook ends; without it the hook must return. */
  readonly ends?: RegExp;
  /** Seconds of the hook. @default 10 */
  readonly seconds?: number;
  readonly limits?: Partial<SandboxLimits>;
  /** What holds without bubblewrap, where that is less. */
  readonly residual?: string;
}

const FS = `import * as fs from "node:fs";`;
/** Frames by hand. */
const FRAMES = `import * as fs from "node:fs";
function frame(message) {
  const body = new TextEncoder().encode(typeof message === "string" ? message : JSON.stringify(message));
  const bytes = new Uint8Array(6 + body.length);
  bytes.set([66, 76]);
  new DataView(bytes.buffer).setUint32(2, body.length, true);
  bytes.set(body, 6);
  return bytes;
}
function send(message) {
  const bytes = frame(message);
  for (let sent = 0; sent < bytes.length;) {
    try { sent += fs.writeSync(1, bytes, sent); } catch (error) { if (error.code !== "EAGAIN") throw error; }
  }
}`;

/** The least memory with which V8 starts. */
const MEMORY = { memoryBytes: 1.25 * 2 ** 30 };
const OUT_OF_MEMORY =
  /must live until the hook returns|RangeError|out of memory|at most \d+ bytes of memory|allocation failed|Invalid/i;
/** Close to its limit V8 collects garbage without end: the time then ends it, the memory is bounded all the same. */
const HEAP_FULL = new RegExp(`${OUT_OF_MEMORY.source}|at most 3 s`, "i");
const TOO_LONG = /may take at most 1 s: it was still running/;
const NOT_FRAMES = /messages must be frames of the protocol/;
const MUST_LIVE = /must live until the hook returns/;

/** Bombs by topic. */
export const BOMBS: { readonly [topic: string]: readonly Bomb[] } = {
  "ending": [
    { name: "Deno.exit", code: `Deno.exit(0)`, ends: /exited with code 0/ },
    {
      name: "process.exit",
      code: `(await import("node:process")).default.exit(3)`,
      ends: /exited with code 3/,
    },
    { name: "process.abort", code: `(await import("node:process")).default.abort()`, ends: MUST_LIVE },
    {
      name: "process.reallyExit",
      code: `(await import("node:process")).default.reallyExit(5)`,
      ends: MUST_LIVE,
    },
    {
      name: "an exception in a timer",
      code: `setTimeout(() => { throw new Error("late") }, 0); await new Promise(() => {})`,
      ends: /Error: late \(in a callback that nobody was waiting for/,
    },
    {
      name: "a rejected promise that nobody awaits",
      code: `Promise.reject(new Error("lost")); await new Promise(() => {})`,
      ends: /Error: lost \(in a promise that nobody was awaiting/,
    },
    {
      name: "exit while the plugin is imported",
      head: `Deno.exit(9);`,
      code: ``,
      ends: /exited with code 9/,
    },
    {
      name: "an endless recursion",
      code: `const f = () => f() + 1; f()`,
      ends: /RangeError: Maximum call stack/,
    },
    {
      name: "throwing what is not an error",
      code: `throw { toString() { throw 1 }, get message() { throw 2 } }`,
      ends: /what is thrown must be an Error/,
    },
    {
      name: "an error with hostile fields",
      code:
        `throw Object.assign(new Error("x"), { name: "InterruptedError", code: 7, stack: "s".repeat(1e6), file: {} })`,
      ends: /InterruptedError: x/,
    },
    {
      name: "closing its own end of the channel",
      head: FS,
      code: `fs.closeSync(1); fs.closeSync(0); await new Promise(() => {})`,
      seconds: 1,
      ends: /at most 1 s|must live|closeSync|EBADF/,
    },
  ],
  "never ending": [
    { name: "an endless loop", code: `for (;;) {}`, seconds: 1, ends: TOO_LONG },
    {
      name: "an endless loop while the plugin is imported",
      head: `for (;;) {}`,
      code: ``,
      seconds: 1,
      ends: TOO_LONG,
    },
    {
      name: "a catastrophic regular expression",
      code: `/^(a+)+$/.test("a".repeat(60) + "!")`,
      seconds: 1,
      ends: TOO_LONG,
    },
    {
      name: "Atomics.wait for ever",
      code: `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)`,
      seconds: 1,
      ends: TOO_LONG,
    },
    {
      name: "a promise that never resolves",
      code: `setInterval(() => {}, 1000); await new Promise(() => {})`,
      seconds: 1,
      ends: TOO_LONG,
    },
    {
      name: "endless microtasks",
      code: `await new Promise(() => { const f = () => Promise.resolve().then(f); f() })`,
      seconds: 1,
      ends: TOO_LONG,
    },
    {
      name: "a loop in a worker that outlives the hook",
      code: `new Worker("data:text/javascript,for(;;);", { type: "module" })`,
    },
    {
      name: "ignoring every signal that can be ignored",
      code:
        `for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1"]) { try { Deno.addSignalListener(signal, () => {}) } catch { /* next */ } } for (;;) {}`,
      seconds: 1,
      ends: TOO_LONG,
    },
    {
      name: "an answer that never ends",
      code: `return { tables: {}, simulated: true, get source() { for (;;) {} } }`,
      seconds: 1,
      ends: TOO_LONG,
    },
    {
      name: "a WebAssembly loop",
      code:
        `new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array([0,97,115,109,1,0,0,0,1,4,1,96,0,0,3,2,1,0,7,5,1,1,102,0,0,10,9,1,7,0,3,64,12,0,11,11]))).exports.f()`,
      seconds: 1,
      ends: TOO_LONG,
    },
  ],
  "memory": [
    {
      name: "objects",
      code: `const all = []; for (;;) all.push(new Array(1000).fill({}))`,
      limits: MEMORY,
      ends: HEAP_FULL,
      seconds: 3,
    },
    {
      name: "array buffers",
      code: `const all = []; for (;;) all.push(new Uint8Array(2 ** 26).fill(1))`,
      limits: MEMORY,
      ends: OUT_OF_MEMORY,
    },
    {
      name: "shared array buffers",
      code: `const all = []; for (;;) all.push(new Uint8Array(new SharedArrayBuffer(2 ** 26)).fill(1))`,
      limits: MEMORY,
      ends: OUT_OF_MEMORY,
    },
    {
      name: "WebAssembly memory",
      code:
        `const all = []; for (;;) { const m = new WebAssembly.Memory({ initial: 1024, maximum: 65536 }); new Uint8Array(m.buffer).fill(1); all.push(m) }`,
      limits: MEMORY,
      ends: OUT_OF_MEMORY,
    },
    {
      name: "texts",
      code: `const all = []; for (let i = 0;; i++) all.push(("x" + i).repeat(2 ** 22).split("").join("y"))`,
      limits: MEMORY,
      ends: HEAP_FULL,
      seconds: 3,
    },
    {
      name: "blobs",
      code:
        `const all = []; const part = new Uint8Array(2 ** 26).fill(1); for (;;) all.push(new Blob([part]))`,
      limits: MEMORY,
      ends: OUT_OF_MEMORY,
    },
    {
      name: "a map that grows",
      code: `const map = new Map(); for (let i = 0;; i++) map.set(i, [i])`,
      limits: MEMORY,
      ends: HEAP_FULL,
      seconds: 3,
    },
    {
      name: "the heaps of workers",
      code:
        `for (let i = 0; i < 4; i++) new Worker("data:text/javascript,const a=[];for(;;)a.push(new Uint8Array(2**24).fill(1))", { type: "module" }).onerror = (event) => { event.preventDefault(); throw new RangeError(event.message) }; await new Promise(() => {})`,
      limits: MEMORY,
      ends: OUT_OF_MEMORY,
    },
  ],
  "flooding": [
    { name: "console.log", code: `for (let i = 0; i < 20_000; i++) console.log("x".repeat(200))` },
    { name: "one endless line", code: `console.log("x".repeat(50_000_000))` },
    {
      name: "Deno.stdout",
      code:
        `const bytes = new Uint8Array(1000).fill(120); for (let i = 0; i < 20_000; i++) Deno.stdout.writeSync(bytes)`,
    },
    {
      name: "standard error",
      head: FS,
      code:
        `const bytes = new Uint8Array(2 ** 16).fill(120); for (let i = 0; i < 2_000; i++) { try { fs.writeSync(2, bytes) } catch (error) { if (error.code !== "EAGAIN") throw error } }`,
    },
    {
      name: "warnings",
      head: FRAMES,
      code:
        `for (let i = 0; i < 5_000; i++) send({ type: "event", payload: { event: "warn", code: "c", message: "m".repeat(1000) } })`,
    },
    {
      name: "progress",
      head: FRAMES,
      code:
        `for (let i = 0; i < 20_000; i++) send({ type: "event", payload: { event: "progress", done: 1, total: 1, label: "" } })`,
    },
    {
      name: "terminal commands in a log line",
      code: `console.log("\\u001b]52;c;c2VjcmV0\\u0007\\u001b[2J\\u202e", "\\u009b31m")`,
    },
  ],
  "frames": [
    {
      name: "bytes that are not a frame",
      head: FS,
      code: `fs.writeSync(1, "hello"); await new Promise(() => {})`,
      ends: NOT_FRAMES,
    },
    {
      name: "a frame of four gigabytes",
      head: FS,
      code: `fs.writeSync(1, new Uint8Array([66, 76, 255, 255, 255, 255])); await new Promise(() => {})`,
      ends: /at most 33554432 bytes/,
    },
    {
      name: "half a frame, then silence",
      head: FRAMES,
      code: `fs.writeSync(1, frame({ type: "ready" }).slice(0, 9)); await new Promise(() => {})`,
      seconds: 1,
      ends: TOO_LONG,
    },
    {
      name: "half a frame, then the end",
      head: FRAMES,
      code: `fs.writeSync(1, frame({ type: "ready" }).slice(0, 9)); Deno.exit(0)`,
      ends: NOT_FRAMES,
    },
    {
      name: "a frame byte by byte",
      head: FRAMES,
      code:
        `const bytes = frame({ type: "event", payload: { event: "log", text: "x".repeat(100_000) } }); for (let i = 0; i < bytes.length; i++) fs.writeSync(1, bytes, i, 1)`,
    },
    { name: "not JSON", head: FRAMES, code: `send("{"); await new Promise(() => {})`, ends: NOT_FRAMES },
    {
      name: "not UTF-8",
      head: FRAMES,
      code:
        `const bytes = frame('"xx"'); bytes[7] = 0xff; fs.writeSync(1, bytes); await new Promise(() => {})`,
      ends: NOT_FRAMES,
    },
    {
      name: "JSON a million levels deep",
      head: FRAMES,
      code: `send("[".repeat(1e6) + "]".repeat(1e6)); await new Promise(() => {})`,
      ends: NOT_FRAMES,
    },
    {
      name: "ten million zeros",
      head: FRAMES,
      code: `send("[" + "0,".repeat(1e7) + "0]"); await new Promise(() => {})`,
      ends: /at most 2000000 commas/,
    },
    {
      name: "the key `__proto__`",
      head: FRAMES,
      code:
        `send('{"type":"result","id":1,"value":{"__proto__":{"polluted":1}}}'); await new Promise(() => {})`,
      ends: NOT_FRAMES,
    },
    {
      name: "the key `constructor`",
      head: FRAMES,
      code:
        `send('{"type":"result","id":1,"value":{"constructor":{"prototype":{"polluted":1}}}}'); await new Promise(() => {})`,
      ends: NOT_FRAMES,
    },
    {
      name: "NaN and infinities",
      head: FRAMES,
      code: `send('{"type":"result","id":NaN,"value":1e999}'); await new Promise(() => {})`,
      ends: NOT_FRAMES,
    },
    {
      name: "fields of the wrong type",
      head: FRAMES,
      code:
        `send({ type: "event", payload: { event: "progress", done: "1", total: [], label: 3 } }); await new Promise(() => {})`,
      ends: NOT_FRAMES,
    },
    {
      name: "a message that does not exist",
      head: FRAMES,
      code: `send({ type: "hook", id: 1, hook: "describe", args: {} }); await new Promise(() => {})`,
      ends: NOT_FRAMES,
    },
    {
      name: "answers to hooks that were not called",
      head: FRAMES,
      code:
        `for (const id of [0, -1, 7, 2 ** 31, 1e15]) { send({ type: "result", id, value: "forged" }); send({ type: "error", id, error: { name: "x", message: "y" } }) }`,
    },
    {
      name: "a forged answer to its own hook",
      head: FRAMES,
      code: `send({ type: "result", id: 1, value: { forged: true } }); await new Promise(() => {})`,
    },
    {
      name: "ready, again and again",
      head: FRAMES,
      code: `for (let i = 0; i < 1000; i++) send({ type: "ready" })`,
    },
    {
      name: "calls without reading the answers",
      head: FRAMES,
      code:
        `for (let id = 1; id < 50_000; id++) send({ type: "call", id, method: "m".repeat(90), args: "x".repeat(1000) }); for (;;) {}`,
      seconds: 5,
      ends: /at most 64 calls|at most 5 s/,
    },
    {
      name: "calls with paths for names",
      head: FRAMES,
      code:
        `let id = 1e6; for (const name of ["../../x", "/etc/passwd", "__proto__", "", "x\\u0000y"]) for (const call of [1, -1, 0, 1e300, "../1", null]) for (const method of ["predict", "call", "keep", "forget", "add", "total", "release", "toString", "../x"]) { send({ type: "call", id: id++, method, args: { model: name, program: name, call, inputs: [name], shared: [name], sums: [name], kept: { x: call }, accumulator: call } }); if (id % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 20)) }`,
    },
  ],
  "disk": [
    {
      name: "a file that grows",
      code:
        `const file = Deno.openSync(given.sharedDirectory + "/big", { write: true, create: true }); const bytes = new Uint8Array(2 ** 22); for (;;) file.writeSync(bytes)`,
      limits: { diskBytes: 2 ** 26 },
      ends: /may write at most 67108864 bytes|SIGXFSZ|File too large|os error 27|exited with code/,
    },
    {
      name: "many files",
      code:
        `for (let i = 0;; i++) { Deno.writeTextFileSync(given.sharedDirectory + "/" + i, "x"); if (i % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5)) }`,
      limits: { diskFiles: 500 },
      ends: /may leave at most 500 files/,
    },
    {
      name: "many folders",
      code:
        `for (let i = 0;; i++) { Deno.mkdirSync(given.sharedDirectory + "/" + i); if (i % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5)) }`,
      limits: { diskFiles: 500 },
      ends: /may leave at most 500 files/,
    },
    {
      name: "a sparse file",
      code:
        `Deno.openSync(given.sharedDirectory + "/sparse", { write: true, create: true }).truncateSync(2 ** 40)`,
      limits: { diskBytes: 2 ** 26 },
      ends: /at most 67108864 bytes|File too large|os error 27|SIGXFSZ|exited with code/,
    },
    {
      name: "the cache of web responses",
      code:
        `const cache = await caches.open("x"); for (let i = 0; i < 100; i++) await cache.put("http://x/" + i, new Response(new Uint8Array(2 ** 22))); await new Promise(() => {})`,
      limits: { diskBytes: 2 ** 26 },
      ends: /may write at most 67108864 bytes/,
    },
    {
      name: "localStorage",
      code: `for (let i = 0; i < 100; i++) localStorage.setItem("k" + i, "x".repeat(2 ** 20))`,
      ends: /QuotaExceeded|quota/i,
    },
    {
      name: "temporary files of SQLite",
      head: `import { DatabaseSync } from "node:sqlite";`,
      code: `const database = new DatabaseSync(":memory:");
      database.exec("PRAGMA temp_store_directory = '" + given.outside + "'; PRAGMA temp_store = FILE; PRAGMA cache_size = 10; CREATE TEMP TABLE t (a)");
      const insert = database.prepare("INSERT INTO t VALUES (zeroblob(1000000))");
      for (let i = 0; i < 200; i++) insert.run();`,
      limits: { diskBytes: 2 ** 26 },
      ends: /SQLITE|disk|full|unable to open|readonly|I\/O|SIGXFSZ|Error|exited with code/i,
      residual: "nameless files, gone with the sandbox",
    },
    {
      name: "a hard link left behind",
      code:
        `Deno.writeTextFileSync(given.sharedDirectory + "/a", "x"); Deno.linkSync(given.sharedDirectory + "/a", given.sharedDirectory + "/b")`,
      ends: /plain files only|Requires read access/,
    },
    {
      name: "a symbolic link left behind",
      head: `import { WASI } from "node:wasi";`,
      code: `const wasi = new WASI({ version: "preview1", preopens: { "/x": given.sharedDirectory } });
      const instance = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 5, 3, 1, 0, 1, 7, 10, 1, 6, 109, 101, 109, 111, 114, 121, 2, 0])));
      wasi.initialize(instance);
      const memory = new Uint8Array(instance.exports.memory.buffer);
      memory.set(new TextEncoder().encode(given.outside), 100); memory.set([97], 2000);
      const code = wasi.wasiImport.path_symlink(100, given.outside.length, 3, 2000, 1);
      if (code !== 0) throw new Error("refused with code " + code)`,
      ends: /plain files only: "a" is a symbolic link|failed to open preopen|refused with code 2/,
    },
  ],
};
