/**
 * Makes the test files of a tfjs checkout loadable here: copies of them in a temporary folder import small modules that
 * hand on our tfjs, so that the operations under test are those of the package that Beamline runs on.
 *
 * @module
 */
import { dirname, join, posix } from "node:path";
import { pathToFileURL } from "node:url";
import { NotFoundError } from "../../core/errors.ts";

/** What a test file may import, by module path below `src`, without extension: `util`, `ops/ops`. */
export type ModuleTable = (module: string) => { readonly [name: string]: unknown };

/** Files that test browsers, storage, threads, flags, time or the test functions themselves: they compute nothing. */
const NOT_ABOUT_COMPUTING =
  /^(io|platforms)\/|(^|\/)(worker|worker_node|jasmine_util|setup|profiler|environment|\w+_worker)_test\.ts$/;

/** Modules of the checkout that its tests need and that the package does not export: they are loaded themselves. */
const OWN_MODULES: readonly string[] = [
  "backends/non_max_suppression_util",
  "image_test_util",
  "ops/dropout_util",
  "ops/rand_util",
  "tape",
  "tensor_util_env",
];

/** A static import: its names, its module. */
const IMPORT =
  /\bimport\s+(?:([^'";]*?)\s+from\s+)?(['"])(\.{1,2}(?:\/[^'"]*)?|@tensorflow\/[^'"]*|seedrandom)\2/g;

/** The folder of sources, given the root of a checkout or tfjs-core itself. */
async function sourceFolder(directory: string): Promise<string> {
  for (const folder of ["tfjs-core/src", "src"]) {
    const path = join(directory, folder);
    const found = await Deno.stat(join(path, "jasmine_util.ts")).then(() => true, () => false);
    if (found) return path;
  }
  throw new NotFoundError(
    `Cannot read "${directory}" as a tfjs checkout as tfjs-core/src/jasmine_util.ts must exist: found none`,
    "file",
    "tfjs-core/src/jasmine_util.ts",
  );
}

/** The version that a checkout's tfjs-core says it has. */
async function versionOf(source: string): Promise<string> {
  const { version } = JSON.parse(await Deno.readTextFile(join(source, "../package.json")));
  return String(version);
}

/** Paths of all test files below a folder, relative to it. */
async function testFiles(folder: string, prefix = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(join(folder, prefix))) {
    const path = posix.join(prefix, entry.name);
    if (entry.isDirectory) found.push(...await testFiles(folder, path));
    else if (path.endsWith("_test.ts")) found.push(path);
  }
  return found;
}

/** Loads the test files of one checkout. */
export class Checkout {
  /** Module names that our stand-ins must have, by module path; type names among them are harmless. */
  readonly #wanted = new Map<string, Set<string>>();
  readonly #copied = new Set<string>();

  private constructor(
    /** Version of tfjs-core. */
    readonly version: string,
    /** Test files below `src`, sorted. */
    readonly files: readonly string[],
    readonly source: string,
    readonly copies: string,
    readonly table: ModuleTable,
  ) {}

  /**
   * Opens a checkout.
   *
   * @param directory Root of a checkout of tensorflow/tfjs.
   * @param copies An empty folder that may be written to.
   * @throws {NotFoundError} If there is no tfjs-core.
   */
  static async open(directory: string, copies: string, table: ModuleTable): Promise<Checkout> {
    const source = await sourceFolder(directory);
    const files = (await testFiles(source)).filter((file) => !NOT_ABOUT_COMPUTING.test(file));
    return new Checkout(await versionOf(source), files.sort(), source, copies, table);
  }

  /** Runs the module of a test file, which registers its specs with the globals. */
  async load(file: string): Promise<void> {
    await this.#copy(file);
    await this.#writeStandIns();
    await import(pathToFileURL(join(this.copies, file)).href);
  }

  /** Copies a file with its imports turned to stand-ins, and the modules of the checkout that it needs. */
  async #copy(file: string): Promise<void> {
    if (this.#copied.has(file)) return;
    this.#copied.add(file);
    const text = await Deno.readTextFile(join(this.source, file));
    const needed: string[] = [];
    const turned = text.replace(IMPORT, (_, names: string | undefined, quote: string, specifier: string) => {
      const module = moduleOf(file, specifier);
      const from = (path: string) => `${quote}${relativeTo(file, path)}${quote}`;
      if (OWN_MODULES.includes(module) || module.endsWith("_test")) {
        needed.push(`${module}.ts`);
        return `import ${names} from ${from(`${module}.ts`)}`;
      }
      const standIn = standInOf(module);
      const wanted = this.#wanted.get(module) ?? new Set();
      for (const name of namesIn(names ?? "")) wanted.add(name);
      this.#wanted.set(module, wanted);
      return names ? `import ${names} from ${from(standIn)}` : "";
    });
    const copy = join(this.copies, file);
    await Deno.mkdir(dirname(copy), { recursive: true });
    await Deno.writeTextFile(copy, turned);
    for (const other of needed) await this.#copy(other);
  }

  /** Writes a module for each that was imported; one that is loaded already keeps the names that it has. */
  async #writeStandIns(): Promise<void> {
    for (const [module, wanted] of this.#wanted) {
      const values = this.table(module);
      const key = JSON.stringify(module);
      const lines = [...new Set([...Object.keys(values), ...wanted])]
        .filter((name) => /^[A-Za-z_$][\w$]*$/.test(name) && name !== "default")
        .map((name) => `const $${name} = values[${JSON.stringify(name)}]; export { $${name} as ${name} };`);
      const head = `const values = globalThis[Symbol.for("${TABLE_SYMBOL}")](${key});`;
      const path = join(this.copies, standInOf(module));
      await Deno.mkdir(dirname(path), { recursive: true });
      await Deno.writeTextFile(path, [head, ...lines, ""].join("\n"));
    }
    Reflect.set(globalThis, Symbol.for(TABLE_SYMBOL), this.table);
  }

  /** Reads the imports of all files before any is loaded, so that each stand-in is written with all its names. */
  async prepare(files: readonly string[]): Promise<void> {
    for (const file of files) await this.#copy(file);
  }
}

/** Where the stand-ins find the table. */
const TABLE_SYMBOL = "beamline.tfjs-suite.modules";

/** Path below `src` of what a file imports, without extension; packages count as the index. */
function moduleOf(file: string, specifier: string): string {
  if (specifier.startsWith("@")) return "index";
  if (!specifier.startsWith(".")) return specifier;
  const path = posix.join(posix.dirname(file), specifier).replace(/\.(ts|js)$/, "");
  return path === "." || path === "" ? "index" : path;
}

function standInOf(module: string): string {
  return `stand_ins/${module.replaceAll("/", "__")}.mjs`;
}

function relativeTo(file: string, path: string): string {
  const result = posix.relative(posix.dirname(file), path);
  return result.startsWith(".") ? result : `./${result}`;
}

/** The names in braces of an import. */
function namesIn(clause: string): string[] {
  const braces = /\{([\s\S]*)\}/.exec(clause)?.[1] ?? "";
  return braces.split(",").map((part) => part.trim().split(/\s+as\s+/)[0]!.replace(/^type\s+/, "")).filter(
    Boolean,
  );
}
