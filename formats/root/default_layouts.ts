/**
 * The classes of trees as ROOT 6.40 has them, for files whose writer left the descriptions out. Printed from
 * `TClass::GetStreamerInfo()`; each member is its name, its type, its length or its counter, and of objects the class.
 *
 * @module
 */
import type { ClassLayout, Member } from "./class_layout.ts";

const LEAF = "TLeaf:0";
const TABLE: { readonly [classAndVersion: string]: string } = {
  "TTree;20":
    "TNamed:67 TAttLine:0 TAttFill:0 TAttMarker:0 fEntries:16 fTotBytes:16 fZipBytes:16 fSavedBytes:16 " +
    "fFlushedBytes:16 fWeight:8 fTimerInterval:3 fScanField:3 fUpdate:3 fDefaultEntryOffsetLen:3 fNClusterRange:6 " +
    "fMaxEntries:16 fMaxEntryLoop:16 fMaxVirtualSize:16 fAutoSave:16 fAutoFlush:16 fEstimate:16 " +
    "fClusterRangeEnd:56[fNClusterRange] fClusterSize:56[fNClusterRange] fIOFeatures:62=ROOT::TIOFeatures " +
    "fBranches:61=TObjArray fLeaves:61=TObjArray",
  "TNtuple;2": "TTree:0 fNvar:3",
  "TNtupleD;1": "TTree:0 fNvar:3",
  "TBranch;13":
    "TNamed:67 TAttFill:0 fCompress:3 fBasketSize:3 fEntryOffsetLen:3 fWriteBasket:3 fEntryNumber:16 " +
    "fIOFeatures:62=ROOT::TIOFeatures fOffset:3 fMaxBaskets:6 fSplitLevel:3 fEntries:16 fFirstEntry:16 fTotBytes:16 " +
    "fZipBytes:16 fBranches:61=TObjArray fLeaves:61=TObjArray fBaskets:61=TObjArray fBasketBytes:43[fMaxBaskets] " +
    "fBasketEntry:56[fMaxBaskets] fBasketSeek:56[fMaxBaskets] fFileName:65",
  "TBranchElement;10":
    "TBranch:0 fClassName:65 fParentName:65 fClonesName:65 fCheckSum:13 fClassVersion:2 fID:3 fType:3 " +
    "fStreamerType:3 fMaximum:3 fBranchCount:64=TBranchElement* fBranchCount2:64=TBranchElement*",
  "TBranchObject;1": "TBranch:0 fClassName:65",
  "ROOT::TIOFeatures;0": "fIOBits:11",
  "ROOT::TIOFeatures;1": "fIOBits:11",
  "TLeaf;2": "TNamed:67 fLen:3 fLenType:3 fOffset:3 fIsRange:18 fIsUnsigned:18 fLeafCount:64=TLeaf*",
  "TLeafB;1": LEAF,
  "TLeafC;1": LEAF,
  "TLeafD;1": LEAF,
  "TLeafD32;1": LEAF,
  "TLeafElement;1": `${LEAF} fID:3 fType:3`,
  "TLeafF;1": LEAF,
  "TLeafF16;1": LEAF,
  "TLeafG;1": LEAF,
  "TLeafI;1": LEAF,
  "TLeafL;1": LEAF,
  "TLeafO;1": LEAF,
  "TLeafObject;4": LEAF,
  "TLeafS;1": LEAF,
};

/** The members of a class that the file does not describe. */
export function findDefaultLayout(className: string, version: number): ClassLayout | undefined {
  const key = `${className};${version}`;
  if (!Object.hasOwn(TABLE, key)) return undefined;
  return { className, version, checksum: 0, members: TABLE[key]!.split(" ").map(parseMember) };
}

function parseMember(text: string): Member {
  const [, name, type, counter, typeName = "BASE"] = /^(\w+):(\d+)(?:\[(\w+)\])?(?:=(.+))?$/.exec(text)!;
  return { name: name!, title: "", type: Number(type), typeName, length: 0, counter };
}
