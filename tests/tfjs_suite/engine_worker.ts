/**
 * The worker of `sync_engine.ts`: runs each program in a session of its own.
 *
 * @module
 */
import { engineByName } from "../../engine/runtimes/engines.ts";
import type { Engine } from "../../engine/runtimes/types.ts";
import { runOnce } from "../conformance/harness.ts";
import type { Answer, Introduction, Question } from "./sync_engine.ts";

async function answer(
  engine: Promise<Engine>,
  { id, program, inputs }: NonNullable<Question>,
): Promise<Answer> {
  try {
    const { outputs } = await runOnce(await engine, program, inputs, {}, { threads: 1 });
    return { id, outputs };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}

const scope = self as unknown as {
  onmessage: (event: MessageEvent<Introduction>) => void;
  close(): void;
};
scope.onmessage = ({ data }) => {
  const { engine: name, port, answered } = data;
  const engine = engineByName(name);
  port.onmessage = async ({ data: question }: MessageEvent<Question>) => {
    if (!question) return scope.close();
    port.postMessage(await answer(engine, question));
    Atomics.store(answered, 0, question.id);
    Atomics.notify(answered, 0);
  };
};
