/**
 * What a sandbox asked permission for. Deno writes a line for each request to the sandbox's standard error;
 * the lines are removed from it here and each is counted once, so a plugin that asks a million times cannot
 * fill the disk.
 *
 * Static imports of text and JSON are not among them (`deno` 2.9 asks nothing for these), and a plugin can
 * print lines of the same form: it can add to the list, but not remove from it.
 *
 * @module
 */
import type { AskedPermission } from "../protocol/plugin_host.ts";

/** Value of `DENO_AUDIT_PERMISSIONS` for a sandbox. */
export const AUDIT_FILE = "/dev/stderr";

/** Distinct requests that are kept. */
const MAX_ASKED = 10_000;
/** Last characters of other text that are kept. */
const MAX_TEXT = 8_000;
/** A line that is not ended after so many characters is text. */
const MAX_LINE = 64_000;

const LINE = /\{"v":1,"datetime":"[^"]*","permission":"([a-z]+)","value":("(?:[^"\\]|\\.)*"|null)[^\n]*\n/g;

/** The text that JSON writes; as it is written where a plugin printed what is no JSON. */
function textOf(json: string): string {
  try {
    return String(JSON.parse(json) ?? "");
  } catch {
    return json;
  }
}

/** Reads the standard error of a sandbox: its last output, and what it asked for. */
export class AuditedStream {
  readonly #asked = new Map<string, AskedPermission>();
  /** The last characters that are not requests; complete when the sandbox has ended. */
  readonly text: Promise<string>;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.text = this.#read(stream);
  }

  /** What has been asked for so far, each thing once. */
  get asked(): readonly AskedPermission[] {
    return [...this.#asked.values()];
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<string> {
    const decoder = new TextDecoder();
    let [text, rest] = ["", ""];
    for await (const chunk of stream) {
      rest += decoder.decode(chunk, { stream: true });
      const end = rest.length > MAX_LINE ? rest.length : rest.lastIndexOf("\n") + 1;
      text = (text + this.#take(rest.slice(0, end))).slice(-MAX_TEXT);
      rest = rest.slice(end);
    }
    return (text + this.#take(rest)).slice(-MAX_TEXT);
  }

  /** The text without the requests in it. */
  #take(text: string): string {
    return text.replace(LINE, (_line, permission: string, json: string) => {
      const value = textOf(json);
      if (this.#asked.size < MAX_ASKED) this.#asked.set(`${permission} ${value}`, { permission, value });
      return "";
    });
  }
}
