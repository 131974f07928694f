/**
 * Attempts to get out of the sandbox, as data. Each is the source of a module of a real plugin; `escape_test.ts` runs all
 * of them behind every set of walls that the machine has, `write_table.ts` lists them in `docs/security.md`.
 *
 * An attempt succeeds when its proof is seen from outside: the secret in anything that the sandbox said or left, a change
 * of a file that it may not write, a connection at a listener of the host, the host's death. What an attempt itself
 * believes counts for nothing.
 *
 * No attempt would do harm if it worked: it signals a process that is there to be killed, or sends signal 0; it opens
 * files of the framework for writing and writes nothing.
 *
 * @module
 */

/** One attempt whose module runs to its end. */
export interface Attempt {
  readonly name: string;
  /** Statements before the function: imports. */
  readonly head?: string;
  /**
   * Body of an async function of {@linkcode Given}; what it returns is looked through for the proof. An exception is
   * the expected end.
   */
  readonly code: string;
  /** What shows that it worked, in what it returned; the secret unless given. */
  readonly proof?: RegExp;
  /** It changes the sandbox for what comes after it, or ends it. */
  readonly alone?: boolean;
  /** Why it works where only Deno's permissions hold; then it is on the residual list. */
  readonly residual?: string;
}

/** What the code of an attempt may use. */
export interface Given {
  /** A folder beside the plugin's, not granted, with `secret.txt`, `secret.json`, `secret.ts`, `secret.cjs`. */
  readonly outside: string;
  readonly plugin: string;
  readonly sharedDirectory: string;
  /** Deno's cache of this sandbox. */
  readonly denoDir: string;
  /** Another plugin's Deno cache, with a secret in it. */
  readonly otherDenoDir: string;
  /** The framework's folder. */
  readonly framework: string;
  /** Process id of the host. */
  readonly hostPid: number;
  /** Process id of a child of the host that is there to be killed. */
  readonly victimPid: number;
  /** Port of a TCP and of a UDP listener of the host on 127.0.0.1. */
  readonly port: number;
  /** Path of a Unix socket of the host. */
  readonly socket: string;
}

const FS = `import * as fs from "node:fs";`;
const SQLITE = `import { DatabaseSync, backup } from "node:sqlite";`;
const MODULE = `import Module, { createRequire } from "node:module";`;
const PROCESS = `import process from "node:process";`;

/** A WASI instance whose functions can be called; `made.put(address, text)` writes a text into its memory. */
export const WASI = `import { WASI } from "node:wasi";
function make(options) {
  const wasi = new WASI({ version: "preview1", ...options });
  const module = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 5, 3, 1, 0, 1, 7, 10, 1, 6, 109,
    101, 109, 111, 114, 121, 2, 0]));
  const instance = new WebAssembly.Instance(module);
  wasi.initialize(instance);
  const memory = () => new Uint8Array(instance.exports.memory.buffer);
  const put = (at, text) => { const bytes = new TextEncoder().encode(text); memory().set(bytes, at); return bytes.length; };
  return { calls: wasi.wasiImport, memory, put };
}
function link(made, target, name) {
  const [a, b] = [made.put(100, target), made.put(2000, name)];
  return made.calls.path_symlink(100, a, 3, 2000, b);
}`;

/** Runs a worker and gives what it posts. */
const WORKER = `async function ask(url, options = { type: "module" }) {
  const worker = new Worker(url, options);
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = (event) => resolve(event.data);
      worker.onerror = (event) => { event.preventDefault(); reject(new Error(event.message)); };
      setTimeout(() => reject(new Error("no answer")), 3000);
    });
  } finally { worker.terminate(); }
}
const script = (text) => "data:application/typescript," + encodeURIComponent(text);`;

/** Attempts by topic. Those of a topic share a sandbox. */
export const ATTEMPTS: { readonly [topic: string]: readonly Attempt[] } = {
  "reading files": [
    { name: "read an absolute path", code: `return Deno.readTextFileSync(given.outside + "/secret.txt")` },
    {
      name: "read through `..`",
      code: `return Deno.readTextFileSync(given.plugin + "/../outside/secret.txt")`,
    },
    { name: "read what git keeps", code: `return Deno.readTextFileSync(given.plugin + "/.git/secret.txt")` },
    {
      name: "read through an encoded `..` of a file URL",
      code: `return Deno.readTextFileSync(new URL("file://" + given.plugin + "/..%2foutside/secret.txt"))`,
    },
    {
      name: "read a relative path",
      code: `return Deno.readTextFileSync("../outside/secret.txt")`,
    },
    {
      name: "read with node:fs",
      head: FS,
      code: `return fs.readFileSync(given.outside + "/secret.txt", "utf8")`,
    },
    {
      name: "read with a stream of node:fs",
      head: FS,
      code: `let text = "";
      for await (const chunk of fs.createReadStream(given.outside + "/secret.txt")) text += chunk;
      return text`,
    },
    {
      name: "read as a blob of node:fs",
      head: FS,
      code: `return await (await fs.openAsBlob(given.outside + "/secret.txt")).text()`,
    },
    {
      name: "copy a file into the shared directory",
      code: `Deno.copyFileSync(given.outside + "/secret.txt", given.sharedDirectory + "/copy.txt")`,
    },
    {
      name: "copy a folder with node:fs cp",
      head: FS,
      code: `fs.cpSync(given.outside, given.sharedDirectory + "/copy", { recursive: true })`,
    },
    {
      name: "move a file into the shared directory",
      code: `Deno.renameSync(given.outside + "/secret.txt", given.sharedDirectory + "/moved.txt")`,
    },
    {
      name: "list a folder",
      code: `return [...Deno.readDirSync(given.outside)].map(({ name }) => name).join()`,
    },
    {
      name: "list a folder with node:fs",
      head: FS,
      code: `return fs.opendirSync(given.outside).readSync().name`,
    },
    {
      name: "tell a file that is there from one that is not",
      head: FS,
      code:
        `const tell = (path) => { try { return String(fs.existsSync(path)) } catch (error) { return error.name } };
      const pair = [tell(given.outside + "/secret.txt"), tell(given.outside + "/nothing.txt")];
      return pair[0] === pair[1] ? "" : "told " + pair`,
      proof: /^told/,
    },
    { name: "watch a folder", code: `return "watching " + Deno.watchFs(given.outside)`, proof: /^watching/ },
    {
      name: "fetch a file URL",
      code: `return await (await fetch("file://" + given.outside + "/secret.txt")).text()`,
    },
    {
      name: "read what another plugin keeps",
      code: `return Deno.readTextFileSync(given.otherDenoDir + "/secret.txt")`,
    },
    {
      name: "read with process.loadEnvFile",
      head: PROCESS,
      code: `process.loadEnvFile(given.outside + "/secret.txt"); return JSON.stringify(process.env)`,
    },
    {
      name: "open a database file",
      head: SQLITE,
      code: `return "opened " + new DatabaseSync(given.outside + "/data.sqlite")`,
      proof: /^opened/,
    },
    {
      name: "attach a database file",
      head: SQLITE,
      code:
        `new DatabaseSync(":memory:").exec("ATTACH '" + given.outside + "/data.sqlite' AS other"); return "attached"`,
      proof: /^attached/,
    },
    {
      name: "let an uncaught error quote a file as its source",
      code: `const error = await new Promise((resolve) => {
        try { (0, eval)("throw new Error('quoted')\\n//# sourceURL=file://" + given.outside + "/secret.txt") }
        catch (thrown) { resolve(thrown) }
      });
      return Deno.inspect(error) + error.stack`,
    },
  ],
  "/proc, /dev, /sys": [
    {
      name: "read /proc/self/environ",
      code: `return "got " + Deno.readTextFileSync("/proc/self/environ")`,
      proof: /^got/,
    },
    {
      name: "read through /proc/self/root",
      code: `return Deno.readTextFileSync("/proc/self/root" + given.outside + "/secret.txt")`,
    },
    {
      name: "read through /proc/self/cwd",
      code: `return Deno.readTextFileSync("/proc/self/cwd/../outside/secret.txt")`,
    },
    {
      name: "list /proc/self/fd",
      code: `return "got " + [...Deno.readDirSync("/proc/self/fd")].length`,
      proof: /^got/,
    },
    {
      name: "read /proc/self/maps",
      code: `return "got " + Deno.readTextFileSync("/proc/self/maps")`,
      proof: /^got/,
    },
    {
      name: "write /proc/self/mem",
      code: `Deno.openSync("/proc/self/mem", { read: true, write: true }); return "got"`,
      proof: /^got/,
    },
    {
      name: "read the host's environment in /proc",
      code: `return "got " + Deno.readTextFileSync("/proc/" + given.hostPid + "/environ")`,
      proof: /^got/,
    },
    {
      name: "read through the host's root in /proc",
      head: FS,
      code:
        `return fs.readFileSync("/proc/" + given.hostPid + "/root" + given.outside + "/secret.txt", "utf8")`,
    },
    {
      name: "read through /proc/1/root",
      head: FS,
      code: `return fs.readFileSync("/proc/1/root" + given.outside + "/secret.txt", "utf8")`,
    },
    {
      name: "open devices",
      code:
        `for (const device of ["/dev/mem", "/dev/sda", "/dev/vda", "/dev/kmsg", "/dev/fd/5", "/dev/stdin", "/dev/zero"]) {
        try { Deno.openSync(device); return "opened " + device } catch { /* the next */ }
      }`,
      proof: /^opened/,
    },
    {
      name: "write to shared memory",
      code: `Deno.writeTextFileSync("/dev/shm/beamline-escape", "x"); return "written"`,
      proof: /^written/,
    },
    {
      name: "read /sys",
      code: `return "got " + Deno.readTextFileSync("/sys/kernel/mm/transparent_hugepage/enabled")`,
      proof: /^got/,
    },
    {
      name: "read file descriptors that are not its own",
      head: FS,
      code: `for (let fd = 3; fd < 64; fd++) {
        try { fs.readSync(fd, new Uint8Array(8), 0, 8, 0); return "read " + fd } catch { /* the next */ }
      }`,
      proof: /^read/,
    },
  ],
  "links": [
    {
      name: "make a symbolic link and read it",
      code: `Deno.symlinkSync(given.outside + "/secret.txt", given.sharedDirectory + "/a");
      return Deno.readTextFileSync(given.sharedDirectory + "/a")`,
    },
    {
      name: "make a relative symbolic link with node:fs",
      head: FS,
      code: `fs.symlinkSync("../outside/secret.txt", given.sharedDirectory + "/b");
      return fs.readFileSync(given.sharedDirectory + "/b", "utf8")`,
    },
    {
      name: "make a hard link to a file outside",
      code: `Deno.linkSync(given.outside + "/secret.txt", given.sharedDirectory + "/c");
      return Deno.readTextFileSync(given.sharedDirectory + "/c")`,
    },
    {
      name: "make a hard link with node:fs",
      head: FS,
      code: `fs.linkSync(given.outside + "/secret.txt", given.sharedDirectory + "/d");
      return fs.readFileSync(given.sharedDirectory + "/d", "utf8")`,
    },
    {
      name: "make a symbolic link with node:wasi and read it",
      head: WASI,
      code: `const made = make({ preopens: { "/x": given.sharedDirectory } });
      link(made, given.outside + "/secret.txt", "e");
      const text = Deno.readTextFileSync(given.sharedDirectory + "/e");
      Deno.removeSync(given.sharedDirectory + "/e");
      return text`,
    },
    {
      name: "make a symbolic link with node:wasi and write it",
      head: WASI,
      code: `const made = make({ preopens: { "/x": given.sharedDirectory } });
      link(made, given.outside + "/secret.json", "f");
      try { Deno.writeTextFileSync(given.sharedDirectory + "/f", "written", { append: true }) }
      finally { Deno.removeSync(given.sharedDirectory + "/f") }`,
    },
    {
      name: "make a symbolic link with node:wasi in the folder of answers",
      head: WASI,
      code: `const made = make({ preopens: { "/x": given.sharedDirectory + ".answers" } });
      link(made, given.outside + "/secret.txt", "g");
      return Deno.readTextFileSync(given.sharedDirectory + ".answers/g")`,
    },
    {
      name: "make a symbolic link with node:wasi in a folder of its own",
      head: WASI,
      code: `Deno.mkdirSync(given.sharedDirectory + "/own");
      const made = make({ preopens: { "/x": given.sharedDirectory + "/own" } });
      link(made, "../../outside/secret.txt", "h");
      const text = Deno.readTextFileSync(given.sharedDirectory + "/own/h");
      Deno.removeSync(given.sharedDirectory + "/own", { recursive: true });
      return text`,
    },
    {
      name: "open the root with node:wasi",
      head: WASI,
      code: `make({ preopens: { "/x": "/" } }); return "opened"`,
      proof: /^opened/,
    },
    {
      name: "make a hard link with node:wasi",
      head: WASI,
      code: `const made = make({ preopens: { "/x": given.sharedDirectory } });
      const [a, b] = [made.put(100, "../outside/secret.txt"), made.put(2000, "j")];
      const code = made.calls.path_link(3, 0, 100, a, 3, 2000, b);
      if (code !== 0) throw new Error("refused with code " + code);
      return Deno.readTextFileSync(given.sharedDirectory + "/j")`,
    },
    {
      name: "put a folder of its own in the place of the folder of answers",
      code: `Deno.renameSync(given.sharedDirectory + ".answers", given.sharedDirectory + "/k");
      Deno.mkdirSync(given.sharedDirectory + ".answers");
      Deno.writeTextFileSync(given.sharedDirectory + ".answers/own", "x");
      return "replaced"`,
      proof: /^replaced/,
    },
    {
      name: "put a folder of its own in the place of the folder of answers with node:wasi",
      head: WASI,
      code: `const made = make({ preopens: { "/x": given.sharedDirectory } });
      const code = made.calls.path_rename(3, 100, made.put(100, "answers"), 3, 2000, made.put(2000, "l"));
      if (code !== 0) throw new Error("refused with code " + code);
      return "replaced"`,
      proof: /^replaced/,
    },
    {
      name: "make a symbolic link in a worker with node:wasi",
      head: WORKER,
      code: `const source = ${JSON.stringify(WASI)} + "postMessage(String(link(make({ preopens: { '/x': " +
        JSON.stringify(given.sharedDirectory) + " } }), " + JSON.stringify(given.outside + "/secret.txt") + ", 'i')))";
      await ask(script(source));
      const text = Deno.readTextFileSync(given.sharedDirectory + "/i");
      Deno.removeSync(given.sharedDirectory + "/i");
      return text`,
    },
  ],
  "modules": [
    {
      name: "import a text statically",
      head: `import text from "../../outside/secret.txt" with { type: "text" };`,
      code: `return text`,
    },
    {
      name: "import JSON statically",
      head: `import json from "../../outside/secret.json" with { type: "json" };`,
      code: `return JSON.stringify(json)`,
    },
    {
      name: "import a module statically",
      head: `import value from "../../outside/secret.ts";`,
      code: `return value`,
    },
    {
      name: "import a module from what git keeps",
      head: `import value from "../.git/secret.ts";`,
      code: `return value`,
    },
    {
      name: "import WebAssembly statically",
      head: `import * as wasm from "../../outside/secret.wasm";`,
      code: `return Object.keys(wasm).join()`,
    },
    {
      name: "import bytes statically",
      head: `import bytes from "../../outside/secret.txt" with { type: "bytes" };`,
      code: `return new TextDecoder().decode(bytes)`,
    },
    {
      name: "import by a literal specifier",
      code: `return (await import("../../outside/secret.ts")).default`,
    },
    {
      name: "import by a computed specifier",
      code: `return (await import("file://" + given.outside + "/secret.ts")).default`,
    },
    {
      name: "import a text by a computed specifier",
      code:
        `return (await import("file://" + given.outside + "/secret.txt", { with: { type: "text" } })).default`,
    },
    {
      name: "import from a data: module",
      code:
        `const source = 'import text from "file://' + given.outside + '/secret.txt" with { type: "text" }; export default text';
      return (await import("data:application/typescript," + encodeURIComponent(source))).default`,
    },
    {
      name: "import from a blob: module",
      code: `const source = 'export { default } from "file://' + given.outside + '/secret.ts"';
      return (await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })))).default`,
    },
    {
      name: "import over http",
      code: `await import("http://127.0.0.1:" + given.port + "/module.ts"); return "imported"`,
      proof: /^imported/,
    },
    {
      name: "import over https",
      code: `await import("https://127.0.0.1:" + given.port + "/module.ts"); return "imported"`,
      proof: /^imported/,
    },
    {
      name: "import an npm package that is not installed",
      code: `await import("npm:" + "left-pad@1.3.0"); return "imported"`,
      proof: /^imported/,
    },
    {
      name: "import from JSR",
      code: `await import("jsr:" + "@std/path@1"); return "imported"`,
      proof: /^imported/,
    },
    {
      name: "require a module",
      head: MODULE,
      code: `return createRequire(import.meta.url)(given.outside + "/secret.cjs")`,
    },
    {
      name: "require JSON",
      head: MODULE,
      code: `return JSON.stringify(createRequire(import.meta.url)(given.outside + "/secret.json"))`,
    },
    {
      name: "load with Module._load",
      head: MODULE,
      code: `return Module._load(given.outside + "/secret.cjs")`,
    },
    {
      name: "load with Module._extensions",
      head: MODULE,
      code: `const module = { exports: {} };
      Module._extensions[".json"](module, given.outside + "/secret.json");
      return JSON.stringify(module.exports)`,
    },
    {
      name: "tell a module that is there from one that is not",
      head: MODULE,
      code: `const require = createRequire(import.meta.url);
      const tell = (path) => { try { require.resolve(path); return "there" } catch (error) { return error.name + error.code } };
      const pair = [tell(given.outside + "/secret.cjs"), tell(given.outside + "/nothing.cjs")];
      return pair[0] === pair[1] ? "" : "told " + pair`,
      proof: /^told/,
    },
    {
      name: "find a package.json outside",
      head: MODULE,
      code: `return "found " + Module.findPackageJSON("file://" + given.outside + "/secret.ts")`,
      proof: /^found \//,
    },
    {
      name: "redirect a module with registerHooks",
      alone: true,
      head: MODULE,
      code: `Module.registerHooks({
        resolve: (name, context, next) =>
          name === "x:y" ? { url: "file://" + given.outside + "/secret.ts", shortCircuit: true } : next(name, context),
        load: (url, context, next) => next(url, context),
      });
      return (await import("x:" + "y")).default`,
    },
    {
      name: "require a native addon",
      head: MODULE,
      code: `createRequire(import.meta.url)(given.plugin + "/addon.node"); return "loaded"`,
      proof: /^loaded/,
    },
  ],
  "environment and system": [
    { name: "read one variable", code: `return Deno.env.get("BEAMLINE_SECRET")` },
    { name: "read all variables", code: `return JSON.stringify(Deno.env.toObject())` },
    { name: "read process.env", head: PROCESS, code: `return process.env.BEAMLINE_SECRET` },
    { name: "ask for the host name", code: `return "got " + Deno.hostname()`, proof: /^got/ },
    {
      name: "ask for the network interfaces",
      code: `return "got " + Deno.networkInterfaces().length`,
      proof: /^got/,
    },
    { name: "ask for the user", code: `return "got " + Deno.uid()`, proof: /^got/ },
    {
      name: "ask for the user with node:os",
      code: `return "got " + JSON.stringify((await import("node:os")).userInfo())`,
      proof: /^got/,
    },
    {
      name: "ask for the memory of the machine",
      code: `return "got " + Deno.systemMemoryInfo().total`,
      proof: /^got/,
    },
    {
      name: "change the user",
      head: PROCESS,
      code: `process.setuid(65534); return "changed"`,
      proof: /^changed/,
    },
    { name: "change the umask", code: `Deno.umask(0); return "changed"`, proof: /^changed/ },
    {
      name: "change the directory",
      head: PROCESS,
      code: `process.chdir(given.outside); return Deno.readTextFileSync("secret.txt")`,
    },
    {
      name: "raise its own priority",
      code: `(await import("node:os")).setPriority(0, -20); return "raised"`,
      proof: /^raised/,
    },
  ],
  "network": [
    {
      name: "connect",
      code: `await Deno.connect({ hostname: "127.0.0.1", port: given.port }); return "connected"`,
      proof: /^connected/,
    },
    { name: "listen", code: `Deno.listen({ port: 0 }); return "listening"`, proof: /^listening/ },
    {
      name: "serve",
      code: `Deno.serve({ port: 0 }, () => new Response("x")); return "serving"`,
      proof: /^serving/,
    },
    {
      name: "fetch",
      code: `await fetch("http://127.0.0.1:" + given.port + "/"); return "fetched"`,
      proof: /^fetched/,
    },
    {
      name: "open a WebSocket",
      code: `await new Promise((resolve, reject) => {
        const socket = new WebSocket("ws://127.0.0.1:" + given.port);
        socket.onopen = resolve;
        socket.onerror = () => reject(new Error("refused"));
      });
      return "open"`,
      proof: /^open/,
    },
    {
      name: "open an EventSource",
      code: `await new Promise((resolve, reject) => {
        const source = new EventSource("http://127.0.0.1:" + given.port);
        source.onopen = resolve;
        source.onerror = () => { source.close(); reject(new Error("refused")) };
      });
      return "open"`,
      proof: /^open/,
    },
    {
      name: "connect with node:net",
      code: `const net = await import("node:net");
      await new Promise((resolve, reject) => net.connect(given.port, "127.0.0.1", resolve).on("error", reject));
      return "connected"`,
      proof: /^connected/,
    },
    {
      name: "ask node:http",
      code: `const http = await import("node:http");
      await new Promise((resolve, reject) => http.get("http://127.0.0.1:" + given.port, resolve).on("error", reject));
      return "answered"`,
      proof: /^answered/,
    },
    {
      name: "send a datagram",
      alone: true,
      code: `const { createSocket } = await import("node:dgram");
      const socket = createSocket("udp4");
      await new Promise((resolve, reject) => socket.on("error", reject).send("x", given.port, "127.0.0.1", (error) => error ? reject(error) : resolve()));
      return "sent"`,
      proof: /^sent/,
    },
    {
      name: "listen for datagrams",
      alone: true,
      code: `const { createSocket } = await import("node:dgram");
      await new Promise((resolve, reject) => createSocket("udp4").on("error", reject).bind(0, resolve));
      return "bound"`,
      proof: /^bound/,
    },
    {
      name: "resolve a name",
      code: `return "resolved " + await Deno.resolveDns("example.com", "A")`,
      proof: /^resolved/,
    },
    {
      name: "look a name up with node:dns",
      code:
        `return "resolved " + JSON.stringify(await (await import("node:dns/promises")).lookup("localhost"))`,
      proof: /^resolved/,
    },
    {
      name: "connect to a Unix socket",
      code: `await Deno.connect({ transport: "unix", path: given.socket }); return "connected"`,
      proof: /^connected/,
    },
    {
      name: "listen at a Unix socket in the shared directory",
      code: `Deno.listen({ transport: "unix", path: given.sharedDirectory + "/s" }); return "listening"`,
      proof: /^listening/,
    },
    {
      name: "connect to a Unix socket with node:net",
      code: `const net = await import("node:net");
      await new Promise((resolve, reject) => net.connect(given.socket, resolve).on("error", reject));
      return "connected"`,
      proof: /^connected/,
    },
    {
      name: "use a proxy of an HTTP client",
      code: `const client = Deno.createHttpClient({ proxy: { url: "http://127.0.0.1:" + given.port } });
      await fetch("http://example.com/", { client });
      return "fetched"`,
      proof: /^fetched/,
    },
    {
      name: "open a TLS connection",
      code: `await Deno.connectTls({ hostname: "127.0.0.1", port: given.port }); return "connected"`,
      proof: /^connected/,
    },
  ],
  "programs and native code": [
    {
      name: "run a program",
      code: `return "ran " + new Deno.Command("true").outputSync().code`,
      proof: /^ran/,
    },
    {
      name: "run a shell",
      code:
        `(await import("node:child_process")).execSync("cat " + given.outside + "/secret.txt > " + given.sharedDirectory + "/shell.txt"); return "ran"`,
      proof: /^ran/,
    },
    {
      name: "fork itself",
      code: `const child = (await import("node:child_process")).fork(given.plugin + "/mod.ts");
      await new Promise((resolve, reject) => child.on("error", reject).on("spawn", resolve));
      return "forked"`,
      proof: /^forked/,
    },
    {
      name: "open a library",
      code: `Deno.dlopen("libc.so.6", { getpid: { parameters: [], result: "i32" } }); return "opened"`,
      proof: /^opened/,
    },
    {
      name: "open a library as an addon",
      head: PROCESS,
      code: `process.dlopen({ exports: {} }, "/lib/x86_64-linux-gnu/libc.so.6"); return "opened"`,
      proof: /^opened/,
    },
    { name: "make a pointer", code: `return "made " + Deno.UnsafePointer.create(4096n)`, proof: /^made/ },
    {
      name: "take the address of a buffer",
      code: `return "made " + Deno.UnsafePointer.of(new Uint8Array(8))`,
      proof: /^made/,
    },
    {
      name: "load an extension into SQLite",
      head: SQLITE,
      code:
        `new DatabaseSync(":memory:", { allowExtension: true }).loadExtension(given.plugin + "/addon.so"); return "loaded"`,
      proof: /^loaded/,
    },
    {
      name: "load native code of the engine",
      code: `await import("onnxruntime-node"); return "loaded"`,
      proof: /^loaded/,
    },
    {
      name: "call internal operations with a path",
      code: `const { ops } = Deno[Deno.internal].core;
      const found = [];
      for (const [name, op] of Object.entries(ops)) {
        if (typeof op !== "function" || /exit|abort|desktop/.test(name)) continue;
        for (const args of [[given.outside + "/secret.txt"], [given.outside + "/secret.txt", true]]) {
          try { found.push(name + Deno.inspect(op(...args))) } catch { /* the next */ }
        }
      }
      return found.join()`,
    },
    {
      name: "open the inspector",
      code:
        `const inspector = await import("node:inspector"); inspector.open(0); return "opened " + inspector.url()`,
      proof: /^opened/,
    },
    {
      name: "connect an inspector session",
      code: `const { Session } = await import("node:inspector");
      const session = new Session();
      session.connect();
      return "connected"`,
      proof: /^connected/,
    },
  ],
  "permissions": [
    {
      name: "request all permissions",
      code: `for (const name of ["read", "write", "net", "env", "run", "ffi", "sys"]) {
        if ((await Deno.permissions.request({ name })).state === "granted") return "granted " + name;
      }`,
      proof: /^granted/,
    },
    {
      name: "forge the answer of a permission query",
      alone: true,
      code: `Deno.permissions.querySync = () => ({ state: "granted" });
      Object.defineProperty(globalThis, "prompt", { value: () => "A" });
      globalThis.confirm = () => true;
      return Deno.readTextFileSync(given.outside + "/secret.txt")`,
    },
    {
      name: "replace the functions that check",
      alone: true,
      code: `for (const key of Object.getOwnPropertyNames(Deno.errors.NotCapable.prototype)) {
        try { Object.defineProperty(Deno.errors.NotCapable.prototype, key, { value: () => undefined }) } catch { /* next */ }
      }
      globalThis.Error = class { constructor() { throw 1 } };
      return Deno.readTextFileSync(given.outside + "/secret.txt")`,
    },
  ],
  "workers": [
    {
      name: "import a text in a worker from a data: URL",
      head: WORKER,
      code:
        `return await ask(script('import text from "file://' + given.outside + '/secret.txt" with { type: "text" }; postMessage(text)'))`,
    },
    {
      name: "start a worker from a file outside",
      head: WORKER,
      code: `return await ask("file://" + given.outside + "/secret_worker.ts")`,
    },
    {
      name: "read in a worker",
      head: WORKER,
      code:
        `return await ask(script('postMessage(Deno.readTextFileSync("' + given.outside + '/secret.txt"))'))`,
    },
    {
      name: "read in a worker of a worker",
      head: WORKER,
      code: `const inner = script('postMessage(Deno.readTextFileSync("' + given.outside + '/secret.txt"))');
      return await ask(script('const w = new Worker(' + JSON.stringify(inner) + ', { type: "module" }); w.onmessage = (e) => postMessage(e.data); w.onerror = (e) => { e.preventDefault(); postMessage("") }'))`,
    },
    {
      name: "read in a thread of node:worker_threads",
      code: `const { Worker } = await import("node:worker_threads");
      const worker = new Worker("const { parentPort } = require('worker_threads'); let text = ''; try { text = require('fs').readFileSync(" +
        JSON.stringify(given.outside + "/secret.txt") + ", 'utf8') } catch {} parentPort.postMessage(text)", { eval: true });
      const text = await new Promise((resolve, reject) => { worker.on("message", resolve); worker.on("error", reject); setTimeout(resolve, 3000, "") });
      worker.terminate();
      return text`,
    },
    {
      name: "talk to the host by BroadcastChannel",
      code: `const channel = new BroadcastChannel("beamline-escape");
      channel.postMessage("hello");
      channel.close()`,
    },
  ],
  "writing": [
    { name: "write an absolute path", code: `Deno.writeTextFileSync(given.outside + "/new.txt", "x")` },
    { name: "write a relative path", code: `Deno.writeTextFileSync("../outside/new.txt", "x")` },
    {
      name: "write through `..`",
      code: `Deno.writeTextFileSync(given.sharedDirectory + "/../outside/new.txt", "x")`,
    },
    { name: "write with node:fs", head: FS, code: `fs.writeFileSync(given.outside + "/new.txt", "x")` },
    {
      name: "append to a file",
      code: `Deno.writeTextFileSync(given.outside + "/secret.txt", "x", { append: true })`,
    },
    { name: "empty a file", code: `Deno.truncateSync(given.outside + "/secret.txt")` },
    { name: "remove a file", code: `Deno.removeSync(given.outside + "/secret.txt")` },
    { name: "make a folder", code: `Deno.mkdirSync(given.outside + "/folder")` },
    { name: "change the mode of a file", code: `Deno.chmodSync(given.outside + "/secret.txt", 0o777)` },
    { name: "change the times of a file", code: `Deno.utimeSync(given.outside + "/secret.txt", 1, 1)` },
    { name: "make a temporary file elsewhere", code: `Deno.makeTempFileSync({ dir: given.outside })` },
    {
      name: "make a temporary file in the usual place",
      code: `return "made " + Deno.makeTempFileSync()`,
      proof: /^made/,
    },
    {
      name: "leave the folder by the prefix of a temporary file",
      code: `Deno.makeTempFileSync({ dir: given.sharedDirectory, prefix: "../outside/" })`,
    },
    {
      name: "move a file out of the shared directory",
      code: `Deno.writeTextFileSync(given.sharedDirectory + "/move.txt", "x");
      try { Deno.renameSync(given.sharedDirectory + "/move.txt", given.outside + "/new.txt") }
      finally { Deno.removeSync(given.sharedDirectory + "/move.txt") }`,
    },
    { name: "change its own code", code: `Deno.writeTextFileSync(given.plugin + "/mod.ts", "changed")` },
    { name: "add to its own folder", code: `Deno.writeTextFileSync(given.plugin + "/new.ts", "changed")` },
    {
      name: "replace a file of the framework",
      code:
        `Deno.openSync(given.framework + "/sandbox/protocol/limits.ts", { append: true }).close(); return "opened"`,
      proof: /^opened/,
    },
    {
      name: "replace a package",
      code:
        `Deno.openSync(given.framework + "/node_modules/zod/package.json", { append: true }).close(); return "opened"`,
      proof: /^opened/,
    },
    {
      name: "write into the cache of compiled modules",
      code: `Deno.writeTextFileSync(given.denoDir + "/gen/escape.js", "x")`,
    },
    {
      name: "write into another plugin's cache",
      code: `Deno.writeTextFileSync(given.otherDenoDir + "/escape.js", "x")`,
    },
    {
      name: "write into the folder of answers",
      code: `Deno.writeTextFileSync(given.sharedDirectory + ".answers/1.npy", "x"); return "written"`,
      proof: /^written/,
    },
    {
      name: "write a database file",
      head: SQLITE,
      code: `new DatabaseSync(given.outside + "/new.sqlite").exec("CREATE TABLE t (a)")`,
    },
    {
      name: "write a database by VACUUM INTO",
      head: SQLITE,
      code:
        `new DatabaseSync(":memory:").exec("CREATE TABLE t (a); VACUUM INTO '" + given.outside + "/new.sqlite'")`,
    },
    {
      name: "write a database by backup",
      head: SQLITE,
      code: `const database = new DatabaseSync(":memory:");
      database.exec("CREATE TABLE t (a)");
      await backup(database, given.outside + "/new.sqlite")`,
    },
    {
      name: "keep a named temporary file of SQLite outside",
      head: SQLITE,
      code: `const database = new DatabaseSync(":memory:");
      database.exec("PRAGMA temp_store_directory = '" + given.outside + "'; PRAGMA temp_store = FILE; PRAGMA cache_size = 10;" +
        "CREATE TEMP TABLE t (a); INSERT INTO t SELECT randomblob(1000) FROM json_each('[' || substr(replace(hex(zeroblob(2000)), '0', '0,'), 1, 7999) || '0]')");
      return ""`,
    },
    {
      name: "write a heap snapshot",
      code: `(await import("node:v8")).writeHeapSnapshot(given.outside + "/heap")`,
    },
    {
      name: "write a diagnostic report",
      head: PROCESS,
      code: `process.report?.writeReport(given.outside + "/report.json")`,
    },
    {
      name: "let V8 write its log",
      head: WORKER,
      code: `const v8 = await import("node:v8");
      for (const flag of ["--logfile=" + given.outside + "/v8.log", "--log-all", "--prof", "--perf-prof", "--redirect-code-traces-to=" + given.outside + "/code.asm", "--print-code"]) {
        v8.setFlagsFromString(flag);
      }
      await ask(script("let s = 0; for (let i = 0; i < 1e6; i++) s += Math.sqrt(i); postMessage(s)"))`,
    },
    {
      name: "write through the address of a log",
      code: `(await import("node:trace_events")).createTracing({ categories: ["node"] }).enable()`,
    },
  ],
  "processes": [
    {
      name: "kill a process of the host",
      code: `Deno.kill(given.victimPid, "SIGKILL"); return "killed"`,
      proof: /^killed/,
    },
    {
      name: "signal its parent",
      head: PROCESS,
      code: `process.kill(Deno.ppid, 0); return "killed"`,
      proof: /^killed/,
    },
    {
      name: "signal every process",
      head: PROCESS,
      code: `process.kill(-1, 0); return "killed"`,
      proof: /^killed/,
    },
    {
      name: "ask whether the host lives",
      head: PROCESS,
      code: `process.kill(given.hostPid, 0); return "asked"`,
      proof: /^asked/,
    },
  ],
  "the framework in the sandbox": [
    {
      name: "replace the functions that the protocol uses, then go on",
      alone: true,
      code:
        `JSON.stringify = () => "{}"; Map.prototype.get = () => undefined; TextEncoder.prototype.encode = () => new Uint8Array();
      Array.prototype.map = () => []; return ""`,
    },
    {
      name: "pollute prototypes",
      alone: true,
      code: `Object.prototype.polluted = "yes"; Array.prototype.polluted = "yes"; return ""`,
    },
  ],
};

/** Attempts whose use is allowed, for the record: what a plugin can do without asking. */
export const ALLOWED: readonly Attempt[] = [
  {
    name: "read the clock",
    code: `return "allowed " + Temporal.Now.instant().toString() + performance.now() + Date.now()`,
    proof: /^allowed/,
  },
  { name: "draw random numbers", code: `return "allowed " + crypto.randomUUID()`, proof: /^allowed/ },
  {
    name: "read its own folder",
    code: `return "allowed " + Deno.readTextFileSync(given.plugin + "/mod.ts").length`,
    proof: /^allowed/,
  },
  {
    name: "write the shared directory",
    code:
      `Deno.mkdirSync(given.sharedDirectory + "/mine/deep", { recursive: true }); Deno.writeTextFileSync(given.sharedDirectory + "/mine/deep/a.txt", "x"); Deno.removeSync(given.sharedDirectory + "/mine", { recursive: true }); return "allowed"`,
    proof: /^allowed/,
  },
  {
    name: "import packages that Beamline uses",
    code: `return "allowed " + typeof (await import("zod")).z`,
    proof: /^allowed/,
  },
  {
    name: "read the source of the framework",
    code: `return "allowed " + Deno.readTextFileSync(given.framework + "/mod.ts").length`,
    proof: /^allowed/,
  },
  {
    name: "start a worker",
    head: WORKER,
    code: `return "allowed " + await ask(script("postMessage(1)"))`,
    proof: /^allowed/,
  },
];
