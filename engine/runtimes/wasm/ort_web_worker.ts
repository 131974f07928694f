/**
 * The other end of `ort_web_remote.ts`: holds one graph and runs it.
 *
 * @module
 */
import { type Binding, QUIETLY } from "../graphs/ort_package.ts";
import { importWeb } from "./ort_web.ts";
import type { RemoteAnswer, RemoteCall } from "./ort_web_remote.ts";

let binding: Binding;
let graph: Awaited<ReturnType<Binding["InferenceSession"]["create"]>>;

async function answer(call: RemoteCall): Promise<unknown> {
  if (call.what === "create") {
    [binding] = await importWeb(call.threads);
    graph = await binding.InferenceSession.create(call.bytes, call.options as never);
    return undefined;
  }
  const feeds = Object.entries(call.feeds).map(([name, { dtype, data, shape }]) =>
    [name, new binding.Tensor(dtype, data, shape)] as const
  );
  const results = await graph.run(Object.fromEntries(feeds), call.fetches, QUIETLY);
  return Object.fromEntries(call.fetches.map((name) => [name, { data: results[name]!.data }]));
}

const scope = self as unknown as {
  onmessage: (event: MessageEvent<RemoteCall>) => void;
  postMessage(answer: RemoteAnswer): void;
};
scope.onmessage = ({ data }) =>
  void answer(data).then(
    (result) => scope.postMessage({ result }),
    (error) => scope.postMessage({ error: error instanceof Error ? error.message : String(error) }),
  );
