/**
 * How memory goes back to the system.
 *
 * The GNU C library keeps what is freed below its highest address, and takes arrays of up to 32 MB from there: a process
 * that makes and drops arrays of megabytes ends with hundreds of megabytes of holes. Arrays from a fixed size on come
 * straight from the system instead, and go back there.
 *
 * @module
 */

/** From this size on, bytes: far below an array of data, far above an object. */
export const MAPPED_BYTES = 2 ** 18;

/** `M_MMAP_THRESHOLD` of `malloc.h`. */
const M_MMAP_THRESHOLD = -3;

/** Sets the size for this process; nothing happens with another C library. */
export function mapLargeArrays(): void {
  if (Deno.build.os !== "linux") return;
  try {
    const { symbols } = Deno.dlopen("libc.so.6", { mallopt: { parameters: ["i32", "i32"], result: "i32" } });
    symbols.mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
  } catch {
    // Another C library: more memory, never wrong.
  }
}
