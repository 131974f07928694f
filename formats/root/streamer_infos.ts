/**
 * How objects of each class lie in a file, which the file itself describes: a TList of TStreamerInfo, one per class and
 * version.
 *
 * | TStreamerInfo | TStreamerElement and its kinds |
 * |---|---|
 * | header | header of the kind, header |
 * | TNamed: the class | TNamed: the member and its comment |
 * | fCheckSum, fClassVersion: 4 bytes each | fType, fSize, fArrayLength, fArrayDim: 4 bytes each |
 * | fElements: a TObjArray | fMaxIndex: 5 times 4 bytes; fTypeName: text |
 * | | of counted arrays: 4 bytes, then the member that counts and its class |
 *
 * @see <https://root.cern/doc/v640/classTStreamerInfo.html>, <https://root.cern/doc/v640/classTStreamerElement.html>
 * @module
 */
import type { ByteSource } from "../byte_source.ts";
import type { ClassLayout, Member } from "./class_layout.ts";
import { type Header, readRecord } from "./container.ts";
import { Cursor, damage } from "./cursor.ts";
import { findDefaultLayout } from "./default_layouts.ts";
import { ObjectStream, readNamed, readObjectBase } from "./object_stream.ts";

/** Elements that name their counter behind the usual fields. */
const COUNTED_ELEMENTS = new Set(["TStreamerBasicPointer", "TStreamerLoop"]);

/** The classes that a file describes, and those of trees that are known without. */
export class ClassLayouts {
  readonly #layouts = new Map<string, ClassLayout[]>();

  constructor(layouts: readonly ClassLayout[]) {
    for (const layout of layouts) {
      const own = this.#layouts.get(layout.className);
      if (own === undefined) this.#layouts.set(layout.className, [layout]);
      else own.push(layout);
    }
  }

  /** By checksum where one is given, else by version. */
  find(className: string, version: number, checksum?: number): ClassLayout | undefined {
    const own = this.#layouts.get(className) ?? [];
    return own.find((layout) => layout.checksum === checksum) ??
      own.find((layout) => layout.version === version) ?? findDefaultLayout(className, version);
  }
}

/** Reads the descriptions. @throws {SyntaxError} If they are damaged. */
export async function readClassLayouts(source: ByteSource, header: Header): Promise<ClassLayouts> {
  // Some writers leave them out.
  if (header.infoSeek === 0 || header.infoBytes === 0) return new ClassLayouts([]);
  const { key, data } = await readRecord(source, header.infoSeek, header.infoBytes, "TList");
  const cursor = new Cursor(data, `the list of classes at byte ${header.infoSeek}`);
  const stream = new ObjectStream<ClassLayout | Member | readonly Member[]>(cursor, key.keyBytes);
  cursor.header();
  readObjectBase(cursor);
  cursor.text();
  const count = cursor.int32();
  const layouts: ClassLayout[] = [];
  for (let i = 0; i < count; i++) {
    // Rules of schema evolution stand in the same list.
    const found = stream.readAny((className) =>
      className === "TStreamerInfo" ? readLayout(stream) : undefined
    );
    cursor.text(); // The option of an entry.
    if (found !== null && found !== undefined && "members" in found) layouts.push(found);
  }
  return new ClassLayouts(layouts);
}

type Stream = ObjectStream<ClassLayout | Member | readonly Member[]>;

function readLayout(stream: Stream): ClassLayout {
  const { cursor } = stream;
  const { end } = cursor.header();
  const { name: className } = readNamed(cursor);
  const [checksum, version] = [cursor.uint32(), cursor.int32()];
  const members: Member[] = [];
  stream.readAny((array) => {
    if (array !== "TObjArray") throw damage(`${cursor.place} must hold members in a TObjArray`, array);
    for (const member of stream.readItems((kind) => readMember(stream, kind))) {
      if (member !== null && member !== undefined && "typeName" in member) members.push(member);
    }
    return members;
  });
  if (end !== undefined) stream.skipTo(end);
  return { className, version, checksum, members };
}

function readMember({ cursor }: Stream, kind: string): Member {
  if (kind !== "TStreamerElement") cursor.header();
  if (kind === "TStreamerSTLstring") cursor.header(); // It is a TStreamerSTL.
  const { version, end } = cursor.header();
  const { name, title } = readNamed(cursor);
  const type = cursor.int32();
  cursor.take(4);
  const length = cursor.int32();
  cursor.take(4);
  cursor.take(version === 1 ? 4 * cursor.int32() : 20);
  const typeName = cursor.text();
  if (end !== undefined) cursor.position = Math.max(cursor.position, end);
  let counter: string | undefined;
  if (COUNTED_ELEMENTS.has(kind)) {
    cursor.take(4);
    counter = cursor.text();
  }
  return { name, title, type, typeName, length, counter };
}
