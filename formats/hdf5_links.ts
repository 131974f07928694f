/**
 * Names in an HDF5 file: what a path leads to, and all paths there are. Objects are told apart by their address, so that a
 * group with two names is one group, and a group within itself ends the walk.
 *
 * Links to other files are never followed by the library: each step of a path is looked up here, and the library is only
 * given paths of hard links. A link to another file that turns out to be this very file is followed here.
 *
 * @module
 */
import { UnsupportedError } from "../core/errors.ts";
import type { H5Library } from "./hdf5_library.ts";

/** A group, dataset or type of the file. */
export interface Hdf5Object {
  readonly kind: "group" | "dataset" | "type";
  /** Where its header lies; tells objects apart. */
  readonly address: number;
  /** A path to it of hard links alone, beginning with "/". */
  readonly hardPath: string;
}

/** A name that leads elsewhere, or nowhere. */
type Link =
  | Hdf5Object
  | { readonly kind: "soft"; readonly target: string }
  | { readonly kind: "external"; readonly file: string; readonly target: string }
  | { readonly kind: "unreadable"; readonly reason: unknown };

/** Soft links on the way to an object; the library itself stops at 16. */
const MAX_STEPS = 64;
/** Paths that lead to a group already listed; a few groups within each other have any number of them. */
const MAX_ALIASES = 100_000;

/** Groups within each other; the library looks up every group above again for each, which takes the third power of this. */
export const MAX_DEPTH = 64;

/** The names of one file. */
export class Hdf5Links {
  readonly #groups = new Map<number, ReadonlyMap<string, Link>>();
  readonly #root: Hdf5Object;

  constructor(readonly path: string, readonly library: H5Library, readonly id: bigint) {
    this.#root = { kind: "group", address: this.#addressOf("/"), hardPath: "/" };
  }

  /** What lies at a path, and what of the path is left when it leads to a dataset or type before its end. */
  resolve(path: string): { readonly object: Hdf5Object; readonly rest: readonly string[] } | undefined {
    let object = this.#root;
    const rest = partsOf(path);
    for (let steps = 0; rest.length > 0 && object.kind === "group";) {
      const part = rest.shift()!;
      const link = this.#linksOf(object).get(part);
      if (link === undefined) return undefined;
      if (link.kind === "unreadable") throw link.reason;
      if (link.kind !== "soft" && link.kind !== "external") {
        object = link;
        if (isTooDeep(object)) throw this.#tooDeep(path);
        continue;
      }
      if (++steps > MAX_STEPS) {
        throw this.#refuse(path, `the link "${part}" leads in a circle`, "a circle of links");
      }
      if (link.kind === "external") this.#checkIsThisFile(path, part, link.file);
      if (link.kind === "external" || link.target.startsWith("/")) object = this.#root;
      rest.unshift(...partsOf(link.target));
    }
    return { object, rest };
  }

  /**
   * Paths of all datasets, without the leading slash, links of every kind to groups and datasets included. Names that
   * cannot be looked up are among them, so that asking for them tells why; links that lead nowhere or to another file are
   * not.
   */
  datasets(): Map<string, Hdf5Object | undefined> {
    const found = new Map<string, Hdf5Object | undefined>();
    const listed = new Set<number>();
    let aliases = 0;
    const todo: { group: Hdf5Object; path: string; above: readonly number[] }[] = [
      { group: this.#root, path: "", above: [] },
    ];
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      const { group, path, above } = next;
      if (above.includes(group.address)) continue;
      if (listed.has(group.address) && ++aliases > MAX_ALIASES) continue;
      listed.add(group.address);
      for (const [name, link] of this.#linksOf(group)) {
        const at = `${path}${name}`;
        const object = this.#follow(group, name, link);
        if (object === "unreadable" || object?.kind === "group" && isTooDeep(object)) {
          found.set(at, undefined);
        } else if (object?.kind === "dataset") found.set(at, object);
        else if (object?.kind === "group") {
          todo.push({ group: object, path: `${at}/`, above: [...above, group.address] });
        }
      }
    }
    return found;
  }

  /** The object behind a link; undefined where it leads nowhere or to another file. */
  #follow(group: Hdf5Object, name: string, link: Link): Hdf5Object | "unreadable" | undefined {
    if (link.kind === "unreadable") return "unreadable";
    if (link.kind !== "soft" && link.kind !== "external") return link;
    try {
      const end = this.resolve(`${group.hardPath}/${name}`);
      return end?.rest.length === 0 ? end.object : undefined;
    } catch (error) {
      if (error instanceof UnsupportedError) return undefined;
      throw error;
    }
  }

  #linksOf(group: Hdf5Object): ReadonlyMap<string, Link> {
    const known = this.#groups.get(group.address);
    if (known !== undefined) return known;
    const names = this.library.guard(
      "read",
      this.path,
      "its groups must be readable",
      () => this.library.module.get_names(this.id, group.hardPath, false),
    );
    const links = new Map(
      names.map((name) => [name, this.#linkAt(name, `${group.hardPath.replace(/\/$/, "")}/${name}`)]),
    );
    this.#groups.set(group.address, links);
    return links;
  }

  #linkAt(name: string, path: string): Link {
    const { module } = this.library;
    try {
      return this.library.guard("read", this.path, `"${path.slice(1)}" must be readable`, () => {
        // In this order: what asks for the kind of an object follows links, and so must not meet any.
        const soft = module.get_symbolic_link(this.id, path) as string | null;
        if (soft !== null) return { kind: "soft", target: soft };
        const { filename, obj_path: target } = module.get_external_link(this.id, path);
        if (filename !== undefined) return { kind: "external", file: filename, target };
        const kind = this.#kindOf(module.get_type(this.id, path));
        if (kind !== undefined) return { kind, address: this.#addressOf(path), hardPath: path };
        throw this.#refuse(
          path.slice(1),
          `the link "${name}" is of a kind of its own`,
          "a user-defined link",
        );
      });
    } catch (reason) {
      if (this.library.isBroken) throw reason;
      return { kind: "unreadable", reason };
    }
  }

  #kindOf(type: number): Hdf5Object["kind"] | undefined {
    const { module } = this.library;
    if (type === module.H5G_GROUP) return "group";
    if (type === module.H5G_DATASET) return "dataset";
    return type === module.H5G_TYPE ? "type" : undefined;
  }

  /** An object reference is the address of the object's header. */
  #addressOf(hardPath: string): number {
    const reference = this.library.guard(
      "read",
      this.path,
      "its groups must be readable",
      () => this.library.module.create_object_reference(this.id, hardPath),
    );
    const bytes = Uint8Array.from(reference);
    return Number(new DataView(bytes.buffer).getBigUint64(0, true));
  }

  #checkIsThisFile(path: string, part: string, file: string): void {
    if (isThisFile(this.path, file)) return;
    throw this.#refuse(path, `the link "${part}" leads to the file "${file}"`, "a link to another file");
  }

  #tooDeep(path: string): UnsupportedError {
    const shown = path.length > 80 ? `${path.slice(0, 80)}…` : path;
    return new UnsupportedError(
      `Cannot read "${shown}" of "${this.path}" as groups may lie ${MAX_DEPTH} deep in each other: found more`,
      "groups within groups",
    );
  }

  #refuse(path: string, found: string, feature: string): UnsupportedError {
    return new UnsupportedError(
      `Cannot read "${this.path}" as dataset "${
        path.replace(/^\//, "")
      }" must lie in the file itself: ${found}`,
      feature,
    );
  }
}

function isTooDeep({ hardPath, kind }: Hdf5Object): boolean {
  return kind === "group" && partsOf(hardPath).length > MAX_DEPTH;
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

/**
 * Whether a name of a file, as it stands in an HDF5 file, can only lead to this very file. The library would look at
 * several places, first come first served; each of them that is there must be this file, by device and inode.
 *
 * @see H5F_prefix_open_file() of HDF5: the name itself if it is absolute, the folder of the file, the folder of the file
 * that a link to it stands for, the working directory; then the last part of an absolute name in the same places.
 */
export function isThisFile(path: string, name: string): boolean {
  const own = statOf(path);
  if (own === undefined || own.ino === null) return false;
  const last = name.slice(name.lastIndexOf("/") + 1);
  const folders = [folderOf(path), folderOf(realPathOf(path) ?? path), ""];
  const names = name.startsWith("/") ? [last] : [name];
  const places = [
    ...(name.startsWith("/") ? [name] : []),
    ...folders.flatMap((folder) => names.map((one) => folder + one)),
  ];
  const found = places.map(statOf).filter((place) => place !== undefined);
  return found.length > 0 && found.every(({ dev, ino }) => dev === own.dev && ino === own.ino);
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

/** Undefined for what is not there. What may not be looked at cannot be told apart, and is not this file either. */
function statOf(path: string): { readonly dev: number; readonly ino: number | null } | undefined {
  try {
    const { dev, ino } = Deno.statSync(path);
    return { dev, ino };
  } catch (error) {
    return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory
      ? undefined
      : { dev: -1, ino: -1 };
  }
}

function realPathOf(path: string): string | undefined {
  try {
    return Deno.realPathSync(path);
  } catch {
    return undefined;
  }
}
