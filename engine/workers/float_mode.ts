/**
 * Flushing of denormal numbers during foreign calls.
 *
 * Slots of Adam decay into denormal numbers (below 1.2e-38) wherever a unit is dead, and stay there for good, as 0.9 times
 * the smallest number rounds to itself. An operation on them costs a hundred times a normal one. ONNX Runtime can set the
 * processor to take them as zero, but would leave the calling thread so, and JavaScript with it: `5e-324 > 0` would be
 * false. Here the mode is set before a foreign call and reset after it, through the C library's `fesetenv`.
 *
 * @module
 */

/** Where the control word lies in `fenv_t`, and the bits that flush denormal operands and results. */
interface Layout {
  readonly offset: number;
  readonly bits: number;
}

/** GNU C library: x86 `__mxcsr` with FTZ and DAZ (Intel SDM, volume 1, 10.2.3), Arm `__fpcr` with FZ (Arm ARM, FPCR). */
const LAYOUTS: { readonly [arch: string]: Layout | undefined } = {
  x86_64: { offset: 28, bits: 0x8040 },
  aarch64: { offset: 0, bits: 1 << 24 },
};

/** Room for any `fenv_t`. */
const ENVIRONMENT_BYTES = 64;

/** Switches the calling thread. */
export interface FloatMode {
  /** Whether the switch works here: Linux with the GNU C library. */
  readonly canFlush: boolean;
  /** Denormal numbers are zero from here on. */
  flush(): void;
  /** As it was. */
  restore(): void;
}

/** The switch of this machine; without one, both functions do nothing. */
export function openFloatMode(): FloatMode {
  const layout = Deno.build.os === "linux" ? LAYOUTS[Deno.build.arch] : undefined;
  const none: FloatMode = { canFlush: false, flush() {}, restore() {} };
  if (!layout) return none;
  try {
    const { symbols } = Deno.dlopen("libm.so.6", {
      fegetenv: { parameters: ["buffer"], result: "i32" },
      fesetenv: { parameters: ["buffer"], result: "i32" },
    });
    const normal = new Uint8Array(new ArrayBuffer(ENVIRONMENT_BYTES));
    if (symbols.fegetenv(normal) !== 0) return none;
    const flushed = normal.slice();
    const word = new DataView(flushed.buffer);
    word.setUint32(layout.offset, word.getUint32(layout.offset, true) | layout.bits, true);
    return {
      canFlush: true,
      flush: () => void symbols.fesetenv(flushed),
      restore: () => void symbols.fesetenv(normal),
    };
  } catch {
    // Another C library: slower on denormal numbers, never wrong.
    return none;
  }
}
