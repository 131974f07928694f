/**
 * Files of data sets, and what their paths say.
 *
 * @module
 */

/** Files named on the command line; folders stand for every HDF5 file below them. */
export async function filesOf(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    if ((await Deno.stat(path)).isDirectory) found.push(...await filesBelow(path));
    else found.push(path);
  }
  return found;
}

async function filesBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) found.push(...await filesBelow(`${folder}/${name}`));
    else if (/\.(h5|hdf5)$/i.test(name)) found.push(`${folder}/${name}`);
  }
  return found.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

/** Pseudorapidity in the path, such as `eta_050`. */
export function etaOf(path: string): string {
  return /eta_(\d{3})/.exec(path)?.[1] ?? "";
}

/** A path without all but its last folder. */
export function shortName(path: string): string {
  return path.split("/").slice(-2).join("/");
}
