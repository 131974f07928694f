/**
 * The exported symbols of our modules, as `deno doc --json` sees them.
 *
 * @module
 */
import { dirname, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import manifest from "../deno.json" with { type: "json" };

/** Folder of the repository. */
export const ROOT: string = dirname(dirname(fileURLToPath(import.meta.url)));

/** One declaration of an exported symbol; an overloaded function has several. */
export interface Declaration {
  /** "function", "class", "interface", "typeAlias", "variable", "namespace", ... */
  readonly kind: string;
  /** File relative to the repository, with "/". */
  readonly file: string;
  readonly line: number;
  /** Text of the doc comment, tags included; empty when there is none. */
  readonly doc: string;
}

/** A name that a module exports. */
export interface PublicSymbol {
  readonly name: string;
  readonly declarations: readonly Declaration[];
  /** The package it comes from; undefined for our own. */
  readonly from?: string;
}

/** A module that users import. */
export interface PublicModule {
  /** The name in an import: "beamline", "beamline/metrics", ... */
  readonly specifier: string;
  /** File relative to the repository. */
  readonly file: string;
  /** Text of the `@module` comment. */
  readonly doc: string;
  readonly symbols: readonly PublicSymbol[];
}

/** The part of the output of `deno doc --json` that is read here. */
interface DocOutput {
  readonly nodes: {
    readonly [url: string]: {
      readonly module_doc?: { readonly doc?: string };
      readonly symbols?: readonly {
        readonly name: string;
        readonly declarations: readonly DocDeclaration[];
      }[];
    };
  };
}

interface DocDeclaration {
  readonly kind: string;
  /** "export", or "private" for what an exported declaration refers to. */
  readonly declarationKind: string;
  readonly location: { readonly filename: string; readonly line: number };
  readonly jsDoc?: { readonly doc?: string; readonly tags?: readonly { readonly doc?: string }[] };
}

/** Path relative to the repository, with "/". */
function localPath(url: string): string {
  return relative(ROOT, fileURLToPath(url)).split(sep).join("/");
}

/** The package of a file below node_modules. */
function packageOf(file: string): string | undefined {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
}

function toDeclaration({ kind, location, jsDoc }: DocDeclaration): Declaration {
  const texts = [jsDoc?.doc, ...jsDoc?.tags?.map((tag) => tag.doc) ?? []];
  const doc = texts.filter((text) => text !== undefined).join("\n");
  return { kind, file: localPath(location.filename), line: location.line, doc };
}

/** Runs `deno doc --json` on files of the repository. */
async function readDocs(files: readonly string[]): Promise<DocOutput> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", ...files.map((file) => `./${file}`)],
    cwd: ROOT,
    stdout: "piped",
    stderr: "piped",
  });
  const { success, stdout, stderr } = await command.output();
  if (!success) {
    throw new Error(`Cannot read the docs of ${files.join(", ")}: ${new TextDecoder().decode(stderr)}`);
  }
  return JSON.parse(new TextDecoder().decode(stdout));
}

/**
 * Every module that `deno.json` exports, with the symbols that it exports, sorted by name.
 * Needs the permissions to read and to run.
 */
export async function readPublicApi(): Promise<PublicModule[]> {
  const entries = Object.entries(manifest.exports)
    .map(([key, file]) => ({ specifier: key.replace(/^\./, "beamline"), file: file.slice(2) }));
  const { nodes } = await readDocs(entries.map(({ file }) => file));
  const byFile = new Map(Object.entries(nodes).map(([url, node]) => [localPath(url), node]));
  return entries.map(({ specifier, file }) => {
    const node = byFile.get(file);
    const symbols = (node?.symbols ?? []).flatMap(({ name, declarations }): PublicSymbol[] => {
      const own = declarations.filter((one) => one.declarationKind === "export").map(toDeclaration);
      if (own.length === 0) return [];
      const from = packageOf(own[0]?.file ?? "");
      return [{ name, declarations: own, ...(from === undefined ? {} : { from }) }];
    });
    symbols.sort((a, b) => a.name < b.name ? -1 : 1);
    return { specifier, file, doc: node?.module_doc?.doc ?? "", symbols };
  });
}
