import assert from "node:assert/strict";
import { type Branch, branchesOf, type Classes, type Leaf, type TreeObject } from "./root_branches.ts";

// Objects as jsroot 7.11.2 gives them, after files of scikit-hep-testdata named at each case.

function leaf(type: string, title: string, more: Partial<Leaf> = {}): Leaf {
  const fName = title.replace(/\[.*/, "");
  return { _typename: type, fName, fTitle: title, fLen: 1, fIsUnsigned: false, fLeafCount: null, ...more };
}

function branch(name: string, leaves: readonly Leaf[], more: Partial<Branch> = {}): Branch {
  return {
    _typename: "TBranch",
    fName: name,
    fTitle: name,
    fEntries: 1,
    fLeaves: { arr: leaves },
    fBranches: { arr: [] },
    ...more,
  };
}

function element(name: string, more: Partial<Branch>, length = 1): Branch {
  return branch(name, [leaf("TLeafElement", name, { fLen: length })], {
    _typename: "TBranchElement",
    ...more,
  });
}

const NO_CLASSES: Classes = { findStreamerInfo: () => null };

function describe(branches: readonly Branch[], classes: Classes = NO_CLASSES): readonly string[] {
  const tree: TreeObject = { fTitle: "", fEntries: 1, fBranches: { arr: branches } };
  return [...branchesOf(classes, tree).values()].map(({ name, kind, dtype, shape }) =>
    `${name} ${kind} ${dtype}[${shape.join(",")}]`
  );
}

Deno.test("branchesOf() knows every leaf type, signed and unsigned", () => {
  const types = {
    D: "float64",
    F: "float32",
    L: "int64",
    G: "int64",
    I: "int32",
    S: "int16",
    B: "int8",
    O: "bool",
  };
  for (const [letter, dtype] of Object.entries(types)) {
    assert.deepEqual(describe([branch("x", [leaf(`TLeaf${letter}`, "x")])]), [`x scalar ${dtype}[]`]);
    const unsigned = dtype.startsWith("int") ? `u${dtype}` : dtype;
    const other = branch("x", [leaf(`TLeaf${letter}`, "x", { fIsUnsigned: true })]);
    assert.deepEqual(describe([other]), [`x scalar ${unsigned}[]`]);
  }
});

Deno.test("branchesOf() knows fixed arrays, jagged arrays and several leaves", () => {
  const counter = leaf("TLeafI", "n");
  const found = describe([
    branch("ai4", [leaf("TLeafI", "ai4[3]", { fLen: 3 })]), // uproot-sample-6.20.04
    branch("2x3Mat", [leaf("TLeafD", "2x3Mat[2][3]", { fLen: 6 })]), // uproot-issue-74
    branch("Jet_Px", [leaf("TLeafF", "Jet_Px[n]", { fLeafCount: counter })]), // uproot-HZZ
    branch("hits", [leaf("TLeafF", "hits[n][3]", { fLeafCount: counter, fLen: 3 })]),
    branch("p", [leaf("TLeafF", "x"), leaf("TLeafI", "n[2]", { fLen: 2 }), leaf("TLeafC", "text")]),
  ]);
  assert.deepEqual(found, [
    "ai4 array int32[3]",
    "2x3Mat array float64[2,3]",
    "Jet_Px jagged float32[]",
    "hits jagged float32[3]",
    "p.x scalar float32[]",
    "p.n array int32[2]",
    "p.text unsupported null[]",
  ]);
});

Deno.test("branchesOf() knows vectors and members of split objects", () => {
  const classes: Classes = {
    findStreamerInfo: (name) =>
      name !== "Event" ? null : {
        fElements: {
          arr: [
            { fName: "StlVecI16", fTypeName: "vector<short>" },
            { fName: "StlVecStr", fTypeName: "vector<string>" },
          ],
        },
      },
  };
  const member = { fClassName: "Event", fClassVersion: 1, fCheckSum: 7 };
  const found = describe([
    element("v_float", { fClassName: "vector<float>", fStreamerType: -1 }), // uproot-issue38b
    element("x", { fClassName: "vector<vector<double> >", fStreamerType: -1 }), // uproot-vectorVectorDouble
    element("evt", { // uproot-small-evnt-tree-fullsplit
      fClassName: "Event",
      fBranches: {
        arr: [
          element("I16", { ...member, fStreamerType: 2 }),
          element("ArrayF32[10]", { ...member, fStreamerType: 25 }, 10),
          element("SliceF64", { ...member, fStreamerType: 48, fBranchCount: {} }),
          element("StlVecI16", { ...member, fStreamerType: 300 }),
          element("StlVecStr", { ...member, fStreamerType: 300 }),
          element("Str", { ...member, fStreamerType: 65 }),
          element("P3", { fBranches: { arr: [element("P3.Px", { fClassName: "P3", fStreamerType: 3 })] } }),
        ],
      },
    }),
    element("V0s", { // uproot-issue187
      fBranches: { arr: [element("V0s.fInvMass[2]", { fStreamerType: 25, fBranchCount: {} }, 2)] },
    }),
  ], classes);
  assert.deepEqual(found, [
    "v_float jagged float32[]",
    "x unsupported null[]",
    "evt.I16 scalar int16[]",
    "evt.ArrayF32 array float32[10]",
    "evt.SliceF64 jagged float64[]",
    "evt.StlVecI16 jagged int16[]",
    "evt.StlVecStr unsupported null[]",
    "evt.Str unsupported null[]",
    "evt.P3.Px scalar int32[]",
    "V0s.fInvMass jagged float32[2]",
  ]);
});

Deno.test("branchesOf() marks what the package would read wrongly as unsupported", () => {
  const { fLen: _, ...undescribed } = leaf("TLeafI", "I32"); // uproot-issue413, written without ROOT
  const found = describe([
    branch("ai1", [leaf("TLeafB", "ai1[3]", { fLen: 3 })]),
    branch("I32", [undescribed as Leaf]),
    branch("Jet_pt", [leaf("TLeafF", "Jet_pt[nJet]", { fLeafCount: {} })], { fIOFeatures: { fIOBits: 1 } }),
    branch("MET_pt", [leaf("TLeafF", "MET_pt")], { fIOFeatures: { fIOBits: 1 } }), // uproot-small-dy-nooffsets
    branch("object", [leaf("TLeafObject", "object")], { _typename: "TBranchObject" }),
  ]);
  assert.deepEqual(found, [
    "ai1 unsupported null[]",
    "I32 unsupported null[]",
    "Jet_pt unsupported null[]",
    "MET_pt scalar float32[]",
    "object unsupported null[]",
  ]);
});
