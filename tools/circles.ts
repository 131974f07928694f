/**
 * Import cycles: files that need each other, so that none can be read, moved or tested alone.
 *
 * Every import counts: of values and of types, static and by `import(...)`. A type import leaves no trace at run time,
 * and a lazy one puts the circle off until the call, but a reader has to hold all files in mind either way. A worker that
 * is started by its URL does not count, since the two sides exchange messages only.
 *
 * @module
 */
import { type ImportSite, targetOf } from "./layers.ts";

/** The files that each file imports. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/**
 * Which of our files import which.
 *
 * @param sites All imports of all files; those of packages and of files that do not exist are left out.
 * @param files Every file, relative to the repository, with "/".
 * @param ours Our own names in `deno.json`, with the file that each one maps to.
 */
export function importGraph(
  sites: readonly ImportSite[],
  files: readonly string[],
  ours: ReadonlyMap<string, string>,
): ImportGraph {
  const graph = new Map<string, string[]>(files.map((file) => [file, []]));
  for (const { file, specifier } of sites) {
    const isRelative = /^\.{0,2}\//.test(specifier);
    const target = isRelative ? targetOf(file, specifier) : ours.get(specifier);
    if (target !== undefined && graph.has(target)) graph.get(file)?.push(target);
  }
  return graph;
}

/**
 * The circles of a graph: its strongly connected components of more than one file, and files that import themselves.
 *
 * @returns Each circle sorted by name, circles by their first name.
 *
 * @see Tarjan (1972), doi:10.1137/0201010: a component is complete when the search comes back to the first of its files.
 */
export function findCircles(graph: ImportGraph): string[][] {
  const search = new Search(graph);
  for (const file of graph.keys()) search.visit(file);
  return search.circles.map((circle) => circle.sort()).sort((a, b) => a[0]! < b[0]! ? -1 : 1);
}

/** A depth-first search that collects components. */
class Search {
  readonly circles: string[][] = [];
  /** Order in which files were met. */
  readonly #met = new Map<string, number>();
  /** Files that were visited and whose component is not complete yet, in that order. */
  readonly #open: string[] = [];

  constructor(readonly graph: ImportGraph) {}

  /** Visits a file; returns the earliest open file that it leads to, by its order. */
  visit(file: string): number {
    const known = this.#met.get(file);
    if (known !== undefined) return this.#open.includes(file) ? known : Infinity;
    const order = this.#met.size;
    this.#met.set(file, order);
    this.#open.push(file);
    const targets = this.graph.get(file) ?? [];
    const earliest = Math.min(order, ...targets.map((target) => this.visit(target)));
    if (earliest === order) {
      const component = this.#open.splice(this.#open.indexOf(file));
      if (component.length > 1 || targets.includes(file)) this.circles.push(component);
    }
    return earliest;
  }
}
