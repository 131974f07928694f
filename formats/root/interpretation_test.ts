import assert from "node:assert/strict";
import type { ClassLayout, Member } from "./class_layout.ts";
import { columnsOf, counterReader, type LayoutFinder } from "./interpretation.ts";
import type { Branch, ElementInfo, Leaf } from "./tree_model.ts";

/** A branch whose leaves are `[class, title, length, counter]`. */
function branch(
  name: string,
  leaves:
    readonly (readonly [className: string, title: string, length?: number, counter?: Leaf | undefined])[],
  more: Partial<Branch> = {},
): Branch {
  const made: Branch = {
    className: "TBranch",
    name,
    title: name,
    entries: 1,
    fileName: "",
    leaves: [],
    children: [],
    baskets: () => [],
    element: undefined,
    ...more,
  };
  for (const [className, title, length = 1, counter] of leaves) {
    const own = title.replace(/\[.*/, "");
    made.leaves.push({ className, name: own, title, length, isUnsigned: false, counter, branch: made });
  }
  return made;
}

function element(
  name: string,
  info: Partial<ElementInfo>,
  length = 1,
  children: Branch[] = [],
  counter?: Leaf,
): Branch {
  const whole: ElementInfo = {
    className: "",
    classVersion: 1,
    checksum: 7,
    id: -1,
    type: 0,
    streamerType: -1,
    isCountedTwice: false,
    ...info,
  };
  return branch(name, [["TLeafElement", name, length, counter]], {
    className: "TBranchElement",
    element: whole,
    children,
  });
}

const NONE: LayoutFinder = { find: () => undefined };

function describe(branches: readonly Branch[], layouts = NONE): readonly string[] {
  return [...columnsOf({ title: "", entries: 1, branches }, layouts).values()].map((
    { name, kind, dtype, shape },
  ) => `${name} ${kind} ${dtype}[${shape.join(",")}]`);
}

const COUNTER = branch("n", [["TLeafI", "n"]]).leaves[0]!;

Deno.test("columnsOf() knows fixed arrays, jagged arrays and several leaves", () => {
  const found = describe([
    branch("ai4", [["TLeafI", "ai4[3]", 3]]),
    branch("2x3Mat", [["TLeafD", "2x3Mat[2][3]", 6]]),
    branch("letters", [["TLeafB", "letters[4]", 4]]),
    branch("Jet_Px", [["TLeafF", "Jet_Px[n]", 1, COUNTER]]),
    branch("hits", [["TLeafF", "hits[n][3]", 3, COUNTER]]),
    branch("narrow", [["TLeafD32", "narrow[n]/d[0,1,8]", 1, COUNTER]]),
    branch("p", [["TLeafF", "x"], ["TLeafI", "n[2]", 2]]),
    branch("q", [["TLeafF", "x"], ["TLeafC", "text"]]),
    branch("undescribed", [["TLeafI", "undescribed", NaN]]),
    branch("object", [["TLeafObject", "object"]], { className: "TBranchObject" }),
  ]);
  assert.deepEqual(found, [
    "ai4 array int32[3]",
    "2x3Mat array float64[2,3]",
    "letters array int8[4]",
    "Jet_Px jagged float32[]",
    "hits jagged float32[3]",
    "narrow jagged float64[]",
    "p.x scalar float32[]",
    "p.n array int32[2]",
    "q.x unsupported null[]",
    "q.text unsupported null[]",
    "undescribed unsupported null[]",
    "object unsupported null[]",
  ]);
});

Deno.test("columnsOf() knows collections and members of split objects", () => {
  const member = (name: string, type: number, typeName: string, title = ""): Member => ({
    name,
    title,
    type,
    typeName,
    length: 0,
    counter: undefined,
  });
  const members = [
    member("StlVecI16", 500, "vector<short>"),
    member("StlVecStr", 500, "vector<string>"),
    member("Narrow", 9, "Double32_t", "[0,1,8]"),
  ];
  const layout: ClassLayout = { className: "Event", version: 1, checksum: 7, members };
  const layouts: LayoutFinder = { find: (name) => name === "Event" ? layout : undefined };
  const own = { className: "Event", id: 0 };
  const found = describe([
    element("v_float", { className: "vector<float>" }),
    element("v_rvec", { className: "ROOT::VecOps::RVec<unsigned char>" }),
    element("nested", { className: "vector<vector<double> >" }),
    element("nested_rvec", { className: "ROOT::VecOps::RVec<ROOT::VecOps::RVec<float> >" }),
    element("text", { className: "vector<string>" }),
    element("evt", {}, 1, [
      element("I16", { ...own, streamerType: 2 }),
      element("ArrayF32[10]", { ...own, streamerType: 25 }, 10),
      element("SliceF64", { ...own, streamerType: 48 }, 1, [], COUNTER),
      element("StlVecI16", { ...own, streamerType: 500 }),
      element("StlVecStr", { ...own, streamerType: 500 }),
      element("Narrow", { ...own, streamerType: 9 }),
      element("Unknown", { className: "Other", id: 0, streamerType: 9 }),
      element("P3", {}, 1, [element("P3.Px", { className: "P3", id: 0, streamerType: 3 })]),
    ]),
    element("V0s", { type: 3 }, 1, [
      element("V0s.fInvMass[2]", { id: 0, type: 31, streamerType: 25 }, 2, [], COUNTER),
      element("V0s.fTwice", { id: 0, type: 31, streamerType: 45 }, 1, [], COUNTER),
    ]),
  ], layouts);
  assert.deepEqual(found, [
    "v_float jagged float32[]",
    "v_rvec jagged uint8[]",
    "nested nested float64[]",
    "nested_rvec nested float32[]",
    "text unsupported null[]",
    "evt.I16 scalar int16[]",
    "evt.ArrayF32 array float32[10]",
    "evt.SliceF64 jagged float64[]",
    "evt.StlVecI16 jagged int16[]",
    "evt.StlVecStr unsupported null[]",
    "evt.Narrow scalar float64[]",
    "evt.Unknown unsupported null[]",
    "evt.P3.Px scalar int32[]",
    "V0s.fInvMass jagged float32[2]",
    "V0s.fTwice unsupported null[]",
  ]);
});

Deno.test("columnsOf() lists rows that are elsewhere or missing as unsupported", () => {
  const [elsewhere, short] = [
    ...columnsOf({
      title: "",
      entries: 5,
      branches: [
        branch("y", [["TLeafF", "y"]], { fileName: "other.root", entries: 5 }),
        branch("x", [["TLeafF", "x"]], { entries: 3 }),
      ],
    }, NONE).values(),
  ];
  assert.deepEqual([elsewhere!.kind, elsewhere!.type], ["unsupported", 'y/F in file "other.root"']);
  assert.deepEqual([short!.kind, short!.type], ["unsupported", "x/F with 3 of 5 rows"]);
});

Deno.test("counterReader() takes integers alone, and the counts of split arrays", () => {
  assert.equal(counterReader(COUNTER)!.dtype, "int32");
  assert.equal(counterReader(branch("x", [["TLeafF", "x"]]).leaves[0]!), undefined);
  assert.equal(
    counterReader(branch("x", [["TLeafI", "x"]], { fileName: "other.root" }).leaves[0]!),
    undefined,
  );
  assert.equal(counterReader(element("hits", { type: 4 }).leaves[0]!)!.dtype, "int32");
});
