/**
 * Attributes that lie outside of the object header, in a fractal heap, as files of the newer format have them from the
 * ninth attribute on. A B-tree lists where in the heap each lies.
 * Format: HDF5 file format specification 3.0, sections III.A.2 (B-tree, version 2) and III.G (fractal heap).
 *
 * Heaps with filters and attributes above 64 KiB ("huge" objects) are not read: such an attribute is left out.
 *
 * @module
 */
import { bytesAt, Cursor, type Hdf5Bytes, malformed } from "./hdf5_header.ts";

/** The messages of the attributes to which an attribute info message leads. */
export function denseAttributes(file: Hdf5Bytes, info: Cursor): Cursor[] {
  info.skip(1);
  const flags = info.uint(1);
  if (flags & 1) info.skip(2);
  const heapAddress = info.address(file.addressBytes);
  const treeAddress = info.address(file.addressBytes);
  if (heapAddress === undefined || treeAddress === undefined) return [];
  const heap = readHeap(file, heapAddress);
  if (heap === undefined) return [];
  const found: Cursor[] = [];
  for (const record of treeRecords(file, treeAddress)) {
    const message = heapObject(file, heap, record);
    if (message !== undefined) found.push(message);
  }
  return found;
}

function expect(cursor: Cursor, signature: string, at: number): void {
  const found = new TextDecoder("latin1").decode(cursor.take(4));
  if (found !== signature) {
    throw malformed(cursor.name, `"${signature}" must lie at ${at}: found ${JSON.stringify(found)}`);
  }
}

/** Bytes that hold every number up to this one. */
function bytesFor(most: number): number {
  return Math.ceil(Math.floor(Math.log2(Math.max(1, most)) + 1) / 8);
}

/** Records of a B-tree of version 2, in the order of their keys. */
function* treeRecords(file: Hdf5Bytes, address: number): Generator<Cursor> {
  const head = bytesAt(file, address, 22 + file.addressBytes + file.lengthBytes);
  expect(head, "BTHD", address);
  head.skip(2);
  const [nodeBytes, recordBytes, depth] = [head.uint(4), head.uint(2), head.uint(2)];
  head.skip(2);
  const root = head.address(file.addressBytes);
  const records = head.uint(2);
  if (root === undefined || records === 0) return;
  yield* nodeRecords(
    file,
    { nodeBytes, recordBytes, limits: limitsOf(file, nodeBytes, recordBytes, depth) },
    {
      address: root,
      records,
      depth,
    },
  );
}

interface Tree {
  readonly nodeBytes: number;
  readonly recordBytes: number;
  /** By depth below a node: most records of a node, and most records of it and all below. */
  readonly limits: readonly { readonly own: number; readonly all: number }[];
}

/** Signature, version, type and checksum of a node. */
const NODE_BYTES = 10;

function limitsOf(file: Hdf5Bytes, nodeBytes: number, recordBytes: number, depth: number): Tree["limits"] {
  const leaf = Math.floor((nodeBytes - NODE_BYTES) / recordBytes);
  const limits = [{ own: leaf, all: leaf }];
  for (let level = 1; level <= Math.min(depth, 16); level++) {
    const below = limits[level - 1]!;
    const pointer = file.addressBytes + bytesFor(limits[0]!.own) + (level > 1 ? bytesFor(below.all) : 0);
    const own = Math.floor((nodeBytes - NODE_BYTES - pointer) / (recordBytes + pointer));
    limits.push({ own, all: (own + 1) * below.all + own });
  }
  return limits;
}

interface TreeNode {
  readonly address: number;
  readonly records: number;
  readonly depth: number;
}

function* nodeRecords(file: Hdf5Bytes, tree: Tree, { address, records, depth }: TreeNode): Generator<Cursor> {
  const node = bytesAt(file, address, tree.nodeBytes);
  expect(node, depth === 0 ? "BTLF" : "BTIN", address);
  node.skip(2);
  const own = Array.from({ length: records }, () => new Cursor(node.name, node.take(tree.recordBytes)));
  if (depth > 0) {
    const below = tree.limits[depth - 1];
    if (below === undefined) throw malformed(node.name, `a tree must have at most 16 levels: found ${depth}`);
    for (let n = 0; n <= records; n++) {
      const child = node.uint(file.addressBytes);
      const count = node.uint(bytesFor(tree.limits[0]!.own));
      if (depth > 1) node.skip(bytesFor(below.all));
      yield* nodeRecords(file, tree, { address: child, records: count, depth: depth - 1 });
    }
  }
  yield* own;
}

/** A fractal heap: blocks of doubling sizes that make up one range of offsets. */
interface Heap {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly width: number;
  readonly startBytes: number;
  readonly maxDirectBytes: number;
  readonly root: number;
  /** Rows of the root block; 0 where it holds objects itself. */
  readonly rootRows: number;
}

/** Undefined for a heap with filters, or an empty one. */
function readHeap(file: Hdf5Bytes, address: number): Heap | undefined {
  const { addressBytes: a, lengthBytes: l } = file;
  const head = bytesAt(file, address, 22 + 3 * a + 12 * l);
  expect(head, "FRHP", address);
  head.skip(3);
  const filterBytes = head.uint(2);
  head.skip(1);
  const maxObject = head.uint(4);
  head.skip(10 * l + 2 * a);
  const width = head.uint(2);
  const [startBytes, maxDirectBytes] = [head.uint(l), head.uint(l)];
  const maxHeapBits = head.uint(2);
  head.skip(2);
  const root = head.address(a);
  const rootRows = head.uint(2);
  if (filterBytes > 0 || root === undefined) return undefined;
  const lengthBytes = Math.min(Math.ceil(Math.log2(maxDirectBytes) / 8), bytesFor(maxObject));
  return {
    offsetBytes: Math.ceil(maxHeapBits / 8),
    lengthBytes,
    width,
    startBytes,
    maxDirectBytes,
    root,
    rootRows,
  };
}

/** Length of an identifier of the heap; the message's flags follow it. */
const ID_BYTES = 8;

/** The object to which a record leads; undefined for those that lie outside of the heap's blocks. */
function heapObject(file: Hdf5Bytes, heap: Heap, id: Cursor): Cursor | undefined {
  const kind = id.uint(1) >> 4 & 3;
  const isShared = (id.bytes[ID_BYTES]! & 2) !== 0;
  if (kind !== 0 || isShared) return undefined;
  const offset = id.uint(heap.offsetBytes);
  const length = id.uint(heap.lengthBytes);
  if (heap.rootRows === 0) return bytesAt(file, heap.root + offset, length);
  return inIndirect(file, heap, heap.root, heap.rootRows, { offset, length });
}

/** Length of a block in a row: the first two rows have the first size, each further row twice that of the row before. */
function blockBytes(heap: Heap, row: number): number {
  return heap.startBytes * 2 ** Math.max(0, row - 1);
}

function inIndirect(
  file: Hdf5Bytes,
  heap: Heap,
  address: number,
  rows: number,
  place: { readonly offset: number; readonly length: number },
): Cursor {
  let start = 0;
  const head = 5 + file.addressBytes + heap.offsetBytes;
  for (let row = 0, entry = 0; row < rows; row++) {
    const size = blockBytes(heap, row);
    for (let column = 0; column < heap.width; column++, entry++, start += size) {
      if (place.offset >= start + size) continue;
      const pointer = bytesAt(file, address + head + entry * file.addressBytes, file.addressBytes);
      const child = pointer.uint(file.addressBytes);
      const offset = place.offset - start;
      if (size <= heap.maxDirectBytes) return bytesAt(file, child + offset, place.length);
      // An indirect block covers as many rows as its size comes to.
      const below = Math.log2(size / (heap.startBytes * heap.width)) + 1;
      return inIndirect(file, heap, child, below, { offset, length: place.length });
    }
  }
  throw malformed(
    file.source.name,
    `an attribute must lie in its heap: found offset ${place.offset} beyond it`,
  );
}
