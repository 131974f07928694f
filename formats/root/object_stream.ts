/**
 * How ROOT writes objects that point to each other: every object once, with its class, its length and its place, and
 * afterwards that place alone.
 *
 * | 32-bit word | meaning |
 * |---|---|
 * | 0 | no object |
 * | bit 30 set, bit 31 not | bytes that follow; the next word is one of the others |
 * | ffffffff | an object of a class whose name follows, ended by 0 |
 * | bit 31 set | an object of the class that was named at this place |
 * | else | the object at this place |
 *
 * Places are counted from the beginning of the key, and 2 more.
 *
 * @see <https://root.cern/doc/v640/TBufferFile_8cxx_source.html>, `ReadObjectAny`
 * @module
 */
import { Cursor, damage } from "./cursor.ts";

const BYTE_COUNT_BIT = 0x4000_0000;
const CLASS_BIT = 0x8000_0000;
const NEW_CLASS = 0xffff_ffff;
const PLACE_SHIFT = 2;
/** TObject::kIsReferenced. */
const IS_REFERENCED = 1 << 4;
/** TObjArray from version 2 has a name, from 3 a TObject before it. */
const [ARRAY_NAME_VERSION, ARRAY_OBJECT_VERSION] = [2, 3];

/**
 * Reads what follows the class name; `undefined` if it does not know the class. May call `register` before it reads on.
 * `end` is where the object ends, if that was written.
 */
export type ReadBody<T> = (
  className: string,
  register: (object: T) => void,
  end: number | undefined,
) => T | undefined;

/** Objects of one record by place. */
export class ObjectStream<T> {
  readonly #objects = new Map<number, T>();

  /** @param keyBytes Length of the key before the bytes of the cursor. */
  constructor(readonly cursor: Cursor, readonly keyBytes: number) {}

  /**
   * Reads an object or the place of one.
   *
   * @returns `null` for none; `undefined` where the object was not read.
   * @throws {SyntaxError} If a class or a length is wrong.
   */
  readAny(read: ReadBody<T>): T | null | undefined {
    const { cursor } = this;
    const start = cursor.position;
    let tag = cursor.uint32();
    let end: number | undefined;
    if ((tag & BYTE_COUNT_BIT) !== 0 && (tag & CLASS_BIT) === 0) {
      end = start + 4 + (tag & ~BYTE_COUNT_BIT);
      this.#checkEnd(start, end);
      tag = cursor.uint32();
    }
    let object: T | null | undefined = null;
    if ((tag & CLASS_BIT) === 0) object = tag === 0 ? null : this.#objects.get(tag);
    else {
      const className = tag === NEW_CLASS ? cursor.zeroEnded() : this.#classAt(tag & ~CLASS_BIT);
      const place = start + this.keyBytes + PLACE_SHIFT;
      object = read(className, (early) => this.#objects.set(place, early), end);
      if (object !== undefined) this.#objects.set(place, object);
      else if (end === undefined) throw damage(`${cursor.place} must tell the length of`, className);
    }
    if (end !== undefined) this.skipTo(end);
    return object;
  }

  /** Moves to the end of an object. @throws {SyntaxError} If more was read than it has. */
  skipTo(end: number): void {
    const { cursor } = this;
    if (cursor.position > end) {
      throw damage(`${cursor.place} must hold objects that end at their byte ${end}`, cursor.position);
    }
    cursor.position = end;
  }

  #checkEnd(start: number, end: number): void {
    const { bytes, place } = this.cursor;
    if (end < start + 8 || end > bytes.length) {
      throw damage(
        `${place} must hold the objects it announces`,
        `one to byte ${end} of ${bytes.length} at its byte ${start}`,
      );
    }
  }

  #classAt(place: number): string {
    const { cursor } = this;
    const at = place - PLACE_SHIFT - this.keyBytes;
    const there = new Cursor(cursor.bytes, cursor.place, at);
    if (at < 0 || at >= cursor.position || there.uint32() !== NEW_CLASS) {
      throw damage(`${cursor.place} must name each class before it refers to it`, `none at its byte ${at}`);
    }
    return there.zeroEnded();
  }

  /** The objects of a TObjArray, of which only the header may have been read. */
  readItems(read: ReadBody<T>): (T | null | undefined)[] {
    const { cursor } = this;
    const { version, end } = cursor.header();
    if (version >= ARRAY_OBJECT_VERSION) readObjectBase(cursor);
    if (version >= ARRAY_NAME_VERSION) cursor.text();
    const count = cursor.int32();
    cursor.take(4); // The lowest index, 0.
    if (count < 0 || count * 4 > cursor.remaining) {
      throw damage(`${cursor.place} must hold the objects of its arrays`, `${count} announced`);
    }
    const items: (T | null | undefined)[] = [];
    for (let i = 0; i < count; i++) items.push(this.readAny(read));
    if (end !== undefined) this.skipTo(end);
    return items;
  }
}

/** Moves over a TObject. */
export function readObjectBase(cursor: Cursor): void {
  cursor.header();
  cursor.take(4);
  if ((cursor.uint32() & IS_REFERENCED) !== 0) cursor.take(2);
}

/** A TNamed. */
export function readNamed(cursor: Cursor): { readonly name: string; readonly title: string } {
  const { end } = cursor.header();
  readObjectBase(cursor);
  const [name, title] = [cursor.text(), cursor.text()];
  if (end !== undefined) cursor.position = Math.max(cursor.position, end);
  return { name, title };
}
