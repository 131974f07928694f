/**
 * The objects that make up a tree, read member by member as the class descriptions of the file say. Classes of no use here
 * are passed over by their length.
 *
 * @see <https://root.cern/doc/v640/classTVirtualStreamerInfo.html>, `EReadWrite`, for the types of members
 * @module
 */
import { parseKey } from "./container.ts";
import type { ClassLayout, Member } from "./class_layout.ts";
import { Cursor, damage } from "./cursor.ts";
import { ObjectStream, type ReadBody, readNamed, readObjectBase } from "./object_stream.ts";
import type { ClassLayouts } from "./streamer_infos.ts";

/** A member of an object. Counts and positions are numbers; arrays of them, arrays of numbers. */
export type Value = number | string | readonly number[] | ReadObject | null | undefined;

/** An object; members of base classes are among its own. */
export interface ReadObject {
  readonly className: string;
  readonly fields: Map<string, Value>;
  /** Of a TObjArray. */
  items?: readonly (ReadObject | null | undefined)[];
  /** Of a TBasket that lies in its branch. */
  basket?: EmbeddedBasket;
}

/** A basket within the tree, of a file whose writer did not flush it. */
export interface EmbeddedBasket {
  readonly entries: number;
  /** Where each entry begins, if that was written, counted from the key on. */
  readonly offsets: readonly number[] | undefined;
  readonly keyBytes: number;
  /** The key's room, then the data. */
  readonly bytes: Uint8Array;
}

/** Classes read by their description. */
const DESCRIBED = /^(TTree|TNtupleD?|TBranch(Element|Object)?|TLeaf[A-Za-z0-9]*|ROOT::TIOFeatures)$/;
/** Nothing behind these members is of use. */
const LAST_MEMBER: { readonly [className: string]: string } = { TTree: "fBranches" };
const MAX_DEPTH = 64;
/** More members than any class of trees has. */
const MAX_MEMBERS = 200;

type Primitive = (cursor: Cursor) => number;

/** Basic types, by EReadWrite. */
const PRIMITIVES: { readonly [type: number]: Primitive } = {
  1: (cursor) => cursor.uint8() << 24 >> 24,
  2: (cursor) => cursor.int16(),
  3: (cursor) => cursor.int32(),
  4: (cursor) => cursor.int64(),
  5: (cursor) => cursor.float32(),
  6: (cursor) => cursor.int32(),
  8: (cursor) => cursor.float64(),
  11: (cursor) => cursor.uint8(),
  12: (cursor) => cursor.uint16(),
  13: (cursor) => cursor.uint32(),
  14: (cursor) => cursor.uint64(),
  15: (cursor) => cursor.uint32(),
  16: (cursor) => cursor.int64(),
  17: (cursor) => cursor.uint64(),
  18: (cursor) => cursor.uint8(),
};
const KIND_STEP = 20;
const [OBJECT, ANY, OBJECT_ARROW, OBJECT_POINTER, TEXT] = [61, 62, 63, 64, 65];
/** How base classes are marked: any, TObject, TNamed. The members of two roots of the class tree carry the same marks. */
const BASES = new Set([0, 66, 67]);
const BASE_NAME = "BASE";

/** Reads one record. */
export class ObjectReader {
  readonly #stream: ObjectStream<ReadObject>;
  #depth = 0;

  constructor(readonly cursor: Cursor, keyBytes: number, readonly layouts: ClassLayouts) {
    this.#stream = new ObjectStream(cursor, keyBytes);
  }

  /** The object of the record. @throws {SyntaxError} If it is damaged or not described. */
  read(className: string): ReadObject {
    const object: ReadObject = { className, fields: new Map() };
    this.#readInto(object, className);
    return object;
  }

  readonly #readBody: ReadBody<ReadObject> = (className, register, end) => {
    const object: ReadObject = { className, fields: new Map() };
    if (className === "TBasket" && end !== undefined) return this.#readBasket(object, end);
    register(object); // A leaf may be counted by one that is not complete.
    return this.#readInto(object, className) ? object : undefined;
  };

  /** Baskets that only repeat what lies in the file are of no use, and other writers have forms of their own for them. */
  #readBasket(object: ReadObject, end: number): ReadObject {
    const { cursor } = this;
    const own = new Cursor(cursor.bytes.subarray(0, end), cursor.place, cursor.position);
    try {
      object.basket = readEmbeddedBasket(own);
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
    }
    cursor.position = end;
    return object;
  }

  /** Whether the class is known; if not, nothing was read. */
  #readInto(object: ReadObject, className: string): boolean {
    if (this.#depth > MAX_DEPTH) {
      throw damage(`${this.cursor.place} must not nest objects deeper than ${MAX_DEPTH}`, className);
    }
    this.#depth++;
    try {
      if (className === "TObjArray") object.items = this.#stream.readItems(this.#readBody);
      else if (className === "TObject") readObjectBase(this.cursor);
      else if (className === "TNamed") {
        const { name, title } = readNamed(this.cursor);
        object.fields.set("fName", name).set("fTitle", title);
      } else if (DESCRIBED.test(className)) this.#readMembers(object, className);
      else return false;
      return true;
    } finally {
      this.#depth--;
    }
  }

  #readMembers(object: ReadObject, className: string): void {
    const { cursor } = this;
    const { version, end, checksum } = cursor.header();
    for (const member of this.#layout(className, version, checksum).members) {
      if (!this.#readMember(object, member)) {
        if (end === undefined) throw damage(`${cursor.place} must tell the length of`, member.typeName);
        break;
      }
      if (end !== undefined && LAST_MEMBER[className] === member.name) break;
    }
    if (end !== undefined) this.#stream.skipTo(end);
  }

  #layout(className: string, version: number, checksum: number | undefined): ClassLayout {
    const layout = this.layouts.find(className, version, checksum);
    if (layout === undefined) {
      throw damage("the file must describe its classes", `no version ${version} of ${className}`);
    }
    if (layout.members.length > MAX_MEMBERS) {
      throw damage(`class ${className} has at most ${MAX_MEMBERS} members`, layout.members.length);
    }
    return layout;
  }

  /** Whether the member could be read or passed over. */
  #readMember(object: ReadObject, member: Member): boolean {
    const { name, type, typeName } = member;
    const { fields } = object;
    if (BASES.has(type)) {
      return typeName === BASE_NAME
        ? this.#readInto(object, name) || this.#skip()
        : this.#readInline(object, member);
    }
    if (type === TEXT) fields.set(name, this.cursor.text());
    else if (type === OBJECT_POINTER) fields.set(name, this.#stream.readAny(this.#readBody));
    else if (type === OBJECT || type === ANY || type === OBJECT_ARROW) {
      return this.#readInline(object, member);
    } else {
      const value = this.#readNumbers(object, member);
      if (value === undefined) return false;
      fields.set(name, value);
    }
    return true;
  }

  #readInline(object: ReadObject, { name, typeName }: Member): boolean {
    const inner: ReadObject = { className: typeName.replace(/\*$/, ""), fields: new Map() };
    if (!this.#readInto(inner, inner.className)) return this.#skip();
    object.fields.set(name, inner);
    return true;
  }

  /** Moves over an object by its length, if that is there. */
  #skip(): boolean {
    const { end } = this.cursor.header();
    if (end !== undefined) this.cursor.position = end;
    return end !== undefined;
  }

  #readNumbers(object: ReadObject, { type, length, counter, name }: Member): number | number[] | undefined {
    const read = PRIMITIVES[type % KIND_STEP];
    const form = Math.floor(type / KIND_STEP);
    if (read === undefined || form < 0 || form > 2) return undefined;
    if (form === 0) return read(this.cursor);
    if (form === 1) return this.#readArray(read, length, name);
    const isThere = this.cursor.uint8() !== 0;
    const count = object.fields.get(counter ?? "");
    if (typeof count !== "number") {
      throw damage(`${this.cursor.place} must count "${name}" before it`, "no count");
    }
    return isThere ? this.#readArray(read, count, name) : [];
  }

  #readArray(read: Primitive, count: number, name: string): number[] {
    if (!(count >= 0 && count <= this.cursor.remaining)) {
      throw damage(
        `${this.cursor.place} must hold the ${count} elements of "${name}"`,
        this.cursor.remaining,
      );
    }
    return Array.from({ length: count }, () => read(this.cursor));
  }
}

/** Flags of TBasket: no offsets need be stored; displacements follow; the data follow. */
const GENERATED_OFFSETS = 80;
const DISPLACEMENTS = 40;
const NO_OFFSETS = 2;

/** What follows the key of a basket. */
export interface BasketFields {
  readonly entries: number;
  /** End of the data, counted from the key on. */
  readonly last: number;
  readonly flag: number;
}

/** Reads what follows the key of a basket. */
export function parseBasketFields(cursor: Cursor): BasketFields {
  cursor.header();
  cursor.take(4); // fBufferSize
  if (cursor.int32() < 0) cursor.take(1); // fNevBufSize; negative if features follow
  return { entries: cursor.int32(), last: cursor.int32(), flag: cursor.uint8() };
}

function readEmbeddedBasket(cursor: Cursor): EmbeddedBasket {
  const { keyBytes } = parseKey(cursor);
  const { entries, last, flag: allFlags } = parseBasketFields(cursor);
  const hasOffsets = allFlags < GENERATED_OFFSETS;
  const flag = allFlags % GENERATED_OFFSETS;
  let offsets: number[] | undefined;
  if (hasOffsets && flag !== 0 && flag % 10 !== NO_OFFSETS) {
    offsets = readCounted(cursor);
    if (flag > DISPLACEMENTS) readCounted(cursor);
  }
  const hasData = flag === 1 || flag > 10;
  const at = hasData ? cursor.take(last) : cursor.position;
  return { entries, offsets, keyBytes, bytes: cursor.bytes.subarray(at, cursor.position) };
}

function readCounted(cursor: Cursor): number[] {
  const count = cursor.uint32();
  if (count * 4 > cursor.remaining) {
    throw damage(`${cursor.place} must hold ${count} offsets`, cursor.remaining);
  }
  return Array.from({ length: count }, () => cursor.int32());
}
