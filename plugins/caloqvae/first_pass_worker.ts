/**
 * A first pass in a thread of its own; the other end is `first_passes.ts`.
 *
 * @module
 */
import { DataError, type HookContext } from "beamline";
import { firstPass } from "./first_pass.ts";
import type { PassMessage, PassRequest } from "./first_passes.ts";
import { closeAll, openSamples } from "./sources.ts";

const scope = self as unknown as {
  onmessage: (event: MessageEvent<PassRequest>) => void;
  postMessage(message: PassMessage, transfer?: Transferable[]): void;
};

/** Files are opened as the other thread opened them, which has told what there was to warn of. */
const QUIET = { warn: () => {} } as unknown as HookContext;

async function pass({ config, at }: PassRequest): Promise<void> {
  const samples = await openSamples(config, QUIET);
  const sources = [samples.reference, ...samples.generated];
  try {
    const found = firstPass(sources[at]!, config, at === 0, (rows) => scope.postMessage({ rows }));
    const { features: { incident, total, layers }, chosen } = found;
    const arrays = [incident, total, ...Object.values(layers), chosen];
    scope.postMessage({ pass: found }, [...new Set(arrays.map(({ buffer }) => buffer))]);
  } finally {
    closeAll(sources);
  }
}

scope.onmessage = ({ data }) =>
  void pass(data).catch((error) =>
    scope.postMessage({
      error: {
        message: error instanceof Error ? error.message : String(error),
        ...(error instanceof DataError ? { isData: true, file: error.file } : {}),
      },
    })
  );
