/**
 * The one place that loads `xz-decompress` 0.2.3: Lasse Collin's XZ Embedded as WebAssembly, 48 kB, without dependencies or
 * scripts, which compares the checksums of a stream and takes no dictionary above 64 MiB. What would replace it: `node:zlib`,
 * when it knows LZMA.
 *
 * @module
 */
import { damage } from "./cursor.ts";

type Package = typeof import("xz-decompress");

/** Fills the whole target from an XZ stream. @throws {SyntaxError} If the stream is damaged. */
export async function inflateXz(block: Uint8Array<ArrayBuffer>, target: Uint8Array): Promise<void> {
  const { default: found } = await import("xz-decompress") as unknown as { readonly default: Package };
  const reader = new found.XzReadableStream(new Blob([block]).stream()).getReader();
  let filled = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (value.length > target.length - filled) {
        await reader.cancel();
        throw damage(`must give ${target.length} bytes`, "more");
      }
      target.set(value, filled);
      filled += value.length;
    }
  } catch (cause) {
    if (cause instanceof SyntaxError) throw cause;
    throw damage("must follow the XZ format", "a wrong stream");
  }
  if (filled < target.length) throw damage(`must give ${target.length} bytes`, filled);
}
