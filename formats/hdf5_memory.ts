/**
 * How elements of HDF5 lie in the library's memory after a read: sizes and offsets as the library says, byte order as its
 * binding makes it.
 *
 * @module
 */
import { UnsupportedError } from "../core/errors.ts";
import { malformed } from "./hdf5_header.ts";
import type { H5Metadata } from "./hdf5_library.ts";
import { type ByteOrder, describeType, type Hdf5Type } from "./hdf5_type.ts";

/** A type as it lies in memory. */
export interface MemoryType {
  readonly type: Hdf5Type;
  /** The binding fails to change the order of bytes, and reads nevertheless: its errors must be passed over. */
  readonly mustBeSilent: boolean;
  /** A fill value as it lies in the file to one as it lies in memory. */
  toMemory(fill: Uint8Array): Uint8Array;
}

/**
 * A type of the file as it lies in memory.
 *
 * @param metadata The library's description of the same type.
 * @throws {SyntaxError} If the two do not agree.
 * @throws {UnsupportedError} If the binding would make a mixture of byte orders.
 */
export function inMemory(name: string, type: Hdf5Type, metadata: H5Metadata): MemoryType {
  const order = orderOf(type);
  const laidOut = layOut(name, type, metadata);
  const isTurned = order === "big" || order === "vax";
  if (!isTurned) return { type: laidOut, mustBeSilent: false, toMemory: (fill) => fill };
  if (coreOf(type).kind === "enumeration") {
    return {
      type: laidOut,
      mustBeSilent: true,
      toMemory: (fill) => fill,
    };
  }
  if (holdsEnumeration(type)) {
    const feature = "a big-endian enumeration in a compound";
    throw new UnsupportedError(
      `Cannot read "${name}" as its types must be such that the library reads them: found ${feature}`,
      feature,
    );
  }
  return { type: turned(laidOut), mustBeSilent: false, toMemory: (fill) => turnBytes(type, fill) };
}

/** What an array, or an array of arrays, is made of. */
export function coreOf(type: Hdf5Type): Hdf5Type {
  return type.kind === "array" ? coreOf(type.base) : type;
}

function holdsEnumeration(type: Hdf5Type): boolean {
  const core = coreOf(type);
  return core.kind === "enumeration" ||
    core.kind === "compound" && core.members.some((member) => holdsEnumeration(member.type));
}

/** The order of a whole type, as the library finds it: "mixed" where members differ, undefined for text and the like. */
function orderOf(type: Hdf5Type): ByteOrder | "mixed" | undefined {
  const core = coreOf(type);
  if (core.kind === "enumeration") return core.base.order;
  if (core.kind !== "compound") return "order" in core ? core.order : undefined;
  const found = new Set(core.members.map((member) => orderOf(member.type)));
  found.delete(undefined);
  return found.size > 1 ? "mixed" : [...found][0];
}

function layOut(name: string, type: Hdf5Type, metadata: H5Metadata): Hdf5Type {
  const disagree = () =>
    malformed(
      name,
      `both readings of its types must agree: found ${describeType(type)} of ${metadata.size} bytes`,
    );
  if (type.kind === "compound") {
    const members = metadata.compound_type?.members;
    if (members?.length !== type.members.length) throw disagree();
    return {
      kind: "compound",
      size: metadata.size,
      members: type.members.map((member, i) => ({
        name: member.name,
        offset: members[i]!.offset,
        type: layOut(name, member.type, members[i]!),
      })),
    };
  }
  if (type.kind === "array") {
    if (metadata.array_type === undefined) throw disagree();
    return { ...type, size: metadata.size, base: layOut(name, type.base, metadata.array_type) };
  }
  if (type.kind === "long text" || type.kind === "other") return { ...type, size: metadata.size };
  if (type.size !== metadata.size) throw disagree();
  return type;
}

/** The same type with all its numbers little-endian. */
function turned(type: Hdf5Type): Hdf5Type {
  if (type.kind === "array") return { ...type, base: turned(type.base) };
  if (type.kind === "compound") {
    return { ...type, members: type.members.map((member) => ({ ...member, type: turned(member.type) })) };
  }
  // A VAX float keeps its order, by which it is refused.
  return "order" in type && type.order === "big" ? { ...type, order: "little" } : type;
}

function turnBytes(type: Hdf5Type, bytes: Uint8Array): Uint8Array {
  if (type.kind === "array") {
    const count = Math.floor(bytes.length / type.base.size);
    const parts = Array.from(
      { length: count },
      (_, i) => turnBytes(type.base, bytes.subarray(i * type.base.size, (i + 1) * type.base.size)),
    );
    return Uint8Array.from(parts.flatMap((part) => [...part]));
  }
  if (type.kind === "compound") {
    const result = bytes.slice();
    for (const { offset, type: { size }, type: member } of type.members) {
      result.set(turnBytes(member, bytes.subarray(offset, offset + size)), offset);
    }
    return result;
  }
  return "order" in type ? bytes.slice().reverse() : bytes;
}
