/** The public surface: what `beamline` and its sub-paths export, and what importing them loads. */
import assert from "node:assert/strict";
import { type PublicModule, type PublicSymbol, readPublicApi, ROOT } from "../tools/public_api.ts";

const GOLDEN = new URL("./golden/api.txt", import.meta.url);

/** A scope that gives more names than this is printed as one line. */
const MOST_NAMES = 20;

function lineOf({ name, declarations, from }: PublicSymbol): string {
  const kinds = [...new Set(declarations.map(({ kind }) => kind))].sort().join("+");
  return `${kinds} ${name}${from === undefined ? "" : ` from ${from}`}`;
}

/** The scope of a package, as `@tensorflow` of `@tensorflow/tfjs-core`; its name where it has none. */
function scopeOf({ from }: PublicSymbol): string {
  return from!.split("/")[0]!;
}

function describeModule({ specifier, symbols }: PublicModule): string {
  const [own, foreign] = [symbols.filter(({ from }) => !from), symbols.filter(({ from }) => from)];
  const scopes = [...Map.groupBy(foreign, scopeOf)];
  const few = scopes.filter(([, names]) => names.length <= MOST_NAMES).flatMap(([, names]) => names);
  const whole = scopes.filter(([, names]) => names.length > MOST_NAMES).map(([scope]) => `* from ${scope}`);
  return [specifier, ...[...own, ...few].map(lineOf).sort(), ...whole.sort()].join("\n  ") + "\n";
}

Deno.test("public API is the one in tests/golden/api.txt", async () => {
  const actual = (await readPublicApi()).map(describeModule).join("\n");
  if (Deno.env.get("UPDATE_GOLDEN") === "1") await Deno.writeTextFile(GOLDEN, actual);
  const expected = await Deno.readTextFile(GOLDEN);
  if (actual !== expected) {
    await Deno.writeTextFile(new URL("./golden/api.new.txt", import.meta.url), actual);
  }
  assert.equal(actual, expected, "after reading the difference, run it again with UPDATE_GOLDEN=1");
});

/** The packages that a module loads when it is imported, as opposed to on first use. */
async function packagesLoadedBy(file: string): Promise<string[]> {
  const command = new Deno.Command(Deno.execPath(), { args: ["info", "--json", `./${file}`], cwd: ROOT });
  const { modules, redirects } = JSON.parse(new TextDecoder().decode((await command.output()).stdout));
  const bySpecifier = new Map<string, { dependencies?: Dependency[] }>(
    modules.map((module: { specifier: string }) => [module.specifier, module]),
  );
  const seen = new Set<string>();
  const visit = (specifier: string) => {
    const name = redirects[specifier] ?? specifier;
    if (seen.has(name)) return;
    seen.add(name);
    for (const { code, isDynamic } of bySpecifier.get(name)?.dependencies ?? []) {
      if (code?.specifier !== undefined && isDynamic !== true) visit(code.specifier);
    }
  };
  visit(new URL(`../${file}`, import.meta.url).href);
  return [...seen].flatMap((name) => /^npm:\/?((?:@[^/]+\/)?[^@/]+)/.exec(name)?.[1] ?? []).sort();
}

/** One import as `deno info --json` prints it; type-only imports have no `code`. */
interface Dependency {
  readonly code?: { readonly specifier?: string };
  readonly isDynamic?: boolean;
}

Deno.test("importing beamline loads neither tfjs nor onnxruntime", async () => {
  const packages = await packagesLoadedBy("mod.ts");
  assert.ok(packages.includes("zod"), "the graph was read");
  for (
    const heavy of [
      "@tensorflow/tfjs-core",
      "onnxruntime-node",
      "xz-decompress",
      "@observablehq/plot",
      "linkedom",
    ]
  ) {
    assert.ok(!packages.includes(heavy), `${heavy} is loaded by mod.ts`);
  }
});
