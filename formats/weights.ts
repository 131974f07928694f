/**
 * Pretrained weights in whichever of the formats they come.
 *
 * @module
 */
import { DataError } from "../core/errors.ts";
import { readSafetensorsSync } from "./safetensors.ts";
import { type NamedArrays, readTfjsModel } from "./tfjs_model.ts";

const READERS: { readonly [ending: string]: (path: string) => NamedArrays } = {
  ".safetensors": (path) => readSafetensorsSync(path).tensors,
  ".json": readTfjsModel,
};

/** What a folder of weights holds, the first that is there. */
const IN_FOLDER = ["model.json", "model.safetensors"];

/** Whether the name of a file, or what it holds as a folder, says that it has weights. */
export function holdsWeights(path: string): boolean {
  return weightsFile(path) !== undefined;
}

/**
 * Reads pretrained weights: a `.safetensors` file, a `model.json` of TensorFlow.js or Keras with the files beside it, or
 * a folder with `model.json` or `model.safetensors`. Without waiting, as `build` cannot wait.
 *
 * @returns Arrays by the names that they have in the file.
 * @throws {DataError} If it is missing, damaged, or of another kind.
 */
export function readWeights(path: string): NamedArrays {
  const file = weightsFile(path);
  const read = file === undefined ? undefined : READERS[endingOf(file)];
  if (read) return read(file!);
  throw new DataError(
    `Cannot read "${path}" as weights are a .safetensors file, a model.json, or a folder with one: found ${
      isDirectory(path) ? "a folder without" : "another ending"
    }`,
    path,
  );
}

function weightsFile(path: string): string | undefined {
  if (!isDirectory(path)) return Object.hasOwn(READERS, endingOf(path)) ? path : undefined;
  return IN_FOLDER.map((name) => `${path.replace(/[/\\]$/, "")}/${name}`).find(isFile);
}

function endingOf(path: string): string {
  return /\.[a-z]+$/i.exec(path)?.[0].toLowerCase() ?? "";
}

function isDirectory(path: string): boolean {
  return statOf(path)?.isDirectory ?? false;
}

function isFile(path: string): boolean {
  return statOf(path)?.isFile ?? false;
}

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined; // the reader says why
  }
}
