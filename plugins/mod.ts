/**
 * The built-in plugins: folder by name, sorted. Nothing of them is imported here.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

const NAMES = ["caloqvae", "ecal", "hcal"] as const;

/** Absolute folder of each built-in plugin, by name. */
export const BUILT_IN_PLUGINS: { readonly [name: string]: string } = Object.fromEntries(
  NAMES.map((name) => [name, fileURLToPath(new URL(`./${name}`, import.meta.url))]),
);
