/**
 * The Python with the libraries that own the formats: the one that `BEAMLINE_PYTHON` names, or that of `.venv` in the
 * repository. `.ci/run` makes one with the versions of `requirements.txt`.
 *
 * @module
 */
import { ROOT } from "../../tools/public_api.ts";

/** A Python, or why there is none. */
export type Found = { readonly python: string } | { readonly missing: string };

/** Looks for a Python that imports these modules. */
export async function findPython(modules: readonly string[]): Promise<Found> {
  const named = Deno.env.get("BEAMLINE_PYTHON");
  const python = named ?? `${ROOT}/.venv/bin/python`;
  try {
    const { success, stderr } = await new Deno.Command(python, {
      args: ["-c", `import ${modules.join(", ")}`],
    }).output();
    if (success) return { python };
    return {
      missing: `${python} lacks a module: ${new TextDecoder().decode(stderr).trim().split("\n").at(-1)}`,
    };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return {
      missing: named === undefined ? "BEAMLINE_PYTHON is not set and there is no .venv" : `no ${named}`,
    };
  }
}
