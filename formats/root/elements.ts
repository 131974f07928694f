/**
 * How single numbers are stored: the types of leaves, of members and of C++, and the narrow floats among them.
 *
 * | stored | bytes | value |
 * |---|---|---|
 * | integers, float, double | 1 to 8 | big-endian |
 * | Float16_t, Double32_t with a range `[min,max,bits]` | 4 | min + stored · (max - min) / 2^bits |
 * | Float16_t, Double32_t with `[0,0,bits]`, bits below 15; Float16_t without brackets: 12 | 3 | exponent (1), then sign and `bits` of the mantissa (2) |
 * | Double32_t else | 4 | float |
 *
 * @see <https://root.cern/doc/v640/TBufferFile_8cxx_source.html>, `ReadWithFactor`, `ReadWithNbits`
 * @module
 */
import type { Dtype } from "../../core/types.ts";

/** A stored number. */
export interface ElementFormat {
  readonly dtype: Dtype;
  /** Bytes of one. */
  readonly width: number;
  /** How a narrow float widens. @default it has the width of its dtype */
  readonly narrow?: Narrow;
}

/** A narrow float: a float, an integer within a range, or one whose mantissa was cut. */
export type Narrow =
  | { readonly kind: "float" }
  | { readonly kind: "range"; readonly min: number; readonly factor: number }
  | { readonly kind: "cut"; readonly bits: number };

function plain(dtype: Dtype, width: number): ElementFormat {
  return { dtype, width };
}

const [INT8, INT16, INT32, INT64] = [
  plain("int8", 1),
  plain("int16", 2),
  plain("int32", 4),
  plain("int64", 8),
];
const [UINT8, UINT16, UINT32, UINT64] = [
  plain("uint8", 1),
  plain("uint16", 2),
  plain("uint32", 4),
  plain("uint64", 8),
];
const [FLOAT32, FLOAT64, BOOL] = [plain("float32", 4), plain("float64", 8), plain("bool", 1)];

/** Leaf classes: signed and unsigned. */
const LEAVES: { readonly [leaf: string]: readonly [signed: ElementFormat, unsigned: ElementFormat] } = {
  TLeafD: [FLOAT64, FLOAT64],
  TLeafF: [FLOAT32, FLOAT32],
  TLeafL: [INT64, UINT64],
  TLeafG: [INT64, UINT64],
  TLeafI: [INT32, UINT32],
  TLeafS: [INT16, UINT16],
  TLeafB: [INT8, UINT8],
  TLeafO: [BOOL, BOOL],
};

/** TVirtualStreamerInfo::EReadWrite: basic types. 6 counts others; 7 is text; 15 has bits, and more behind some; 9 and 19 are narrow. */
const MEMBERS: { readonly [type: number]: ElementFormat } = {
  1: INT8,
  2: INT16,
  3: INT32,
  4: INT64,
  5: FLOAT32,
  6: INT32,
  8: FLOAT64,
  11: UINT8,
  12: UINT16,
  13: UINT32,
  14: UINT64,
  16: INT64,
  17: UINT64,
  18: BOOL,
};
const [DOUBLE32, FLOAT16] = [9, 19];

/** Elements of collections by their C++ and ROOT names. A `long` has 8 bytes in a file on every machine. */
const CPP: { readonly [name: string]: ElementFormat } = {
  double: FLOAT64,
  Double_t: FLOAT64,
  float: FLOAT32,
  Float_t: FLOAT32,
  "long long": INT64,
  Long64_t: INT64,
  long: INT64,
  Long_t: INT64,
  int64_t: INT64,
  "unsigned long long": UINT64,
  ULong64_t: UINT64,
  "unsigned long": UINT64,
  ULong_t: UINT64,
  uint64_t: UINT64,
  size_t: UINT64,
  int: INT32,
  Int_t: INT32,
  int32_t: INT32,
  "unsigned int": UINT32,
  unsigned: UINT32,
  UInt_t: UINT32,
  uint32_t: UINT32,
  short: INT16,
  Short_t: INT16,
  int16_t: INT16,
  "unsigned short": UINT16,
  UShort_t: UINT16,
  uint16_t: UINT16,
  char: INT8,
  "signed char": INT8,
  Char_t: INT8,
  int8_t: INT8,
  "unsigned char": UINT8,
  UChar_t: UINT8,
  uint8_t: UINT8,
  bool: BOOL,
  Bool_t: BOOL,
  Double32_t: { dtype: "float64", width: 4, narrow: { kind: "float" } },
  Float16_t: { dtype: "float32", width: 3, narrow: { kind: "cut", bits: 12 } },
};

/** The number of a leaf; `undefined` if it holds something else. @param title Where a range stands. */
export function leafFormat(
  className: string,
  isUnsigned: boolean,
  title: string,
): ElementFormat | undefined {
  if (className === "TLeafD32") return narrowFormat("float64", title);
  if (className === "TLeafF16") return narrowFormat("float32", title);
  return Object.hasOwn(LEAVES, className) ? LEAVES[className]![isUnsigned ? 1 : 0] : undefined;
}

/** The number of a member; `undefined` if it holds something else, or a narrow one without its description. */
export function memberFormat(type: number, title: string | undefined): ElementFormat | undefined {
  if (type !== DOUBLE32 && type !== FLOAT16) return MEMBERS[type];
  return title === undefined ? undefined : narrowFormat(type === DOUBLE32 ? "float64" : "float32", title);
}

/** The number that a C++ name stands for; `undefined` if it is none. */
export function cppFormat(name: string): ElementFormat | undefined {
  const own = name.trim().replace(/^std::/, "");
  return Object.hasOwn(CPP, own) ? CPP[own] : undefined;
}

/** Float16_t without brackets. */
const DEFAULT_BITS = 12;
/** From this many bits on, and without a range, all are stored. */
const CUT_BITS = 15;

/**
 * The format that a title asks for: `x/d[0,10,16]`, `x[3]/f[-pi,pi,10]`, `[0,0,8]`. As TStreamerElement's `GetRange`, it
 * takes the first brackets with a comma if they are the first or the second ones.
 */
export function narrowFormat(dtype: "float32" | "float64", title: string): ElementFormat {
  const brackets = [...title.matchAll(/\[([^\]]*)\]/g)].slice(0, 2).find(([, inner]) => inner!.includes(","));
  let bits = 0;
  if (brackets !== undefined) {
    const [low, high, count] = brackets[1]!.split(",");
    const [min, max] = [parseBound(low!), parseBound(high!)];
    const asked = count === undefined ? 32 : Number.parseInt(count);
    bits = asked >= 2 && asked <= 32 ? asked : 32;
    if (min < max) {
      const steps = bits < 32 ? 2 ** bits : 0xffff_ffff;
      return { dtype, width: 4, narrow: { kind: "range", min, factor: steps / (max - min) } };
    }
    // ROOT keeps the number of bits in the place of the minimum; without it, the minimum itself counts.
    bits = bits < CUT_BITS ? bits : Math.trunc(min);
  }
  if (bits === 0 && dtype === "float64") return { dtype, width: 4, narrow: { kind: "float" } };
  return { dtype, width: 3, narrow: { kind: "cut", bits: bits === 0 ? DEFAULT_BITS : bits } };
}

const ANGLES: readonly (readonly [text: string, value: number])[] = [
  ["2pi", 2 * Math.PI],
  ["2*pi", 2 * Math.PI],
  ["twopi", 2 * Math.PI],
  ["pi/2", Math.PI / 2],
  ["pi/4", Math.PI / 4],
  ["pi", Math.PI],
];

function parseBound(text: string): number {
  const plain = text.toLowerCase().replaceAll(" ", "");
  const angle = ANGLES.find(([name]) => plain.includes(name));
  if (angle !== undefined) return plain.includes("-") ? -angle[1] : angle[1];
  const value = Number.parseFloat(plain);
  return Number.isFinite(value) ? value : 0;
}
