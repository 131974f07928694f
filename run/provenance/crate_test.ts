import assert from "node:assert/strict";
import { withTempDir } from "../../tests/support/plugins.ts";
import { writeCrate } from "./crate.ts";
import { createRun, type RunDirectory } from "../store/run_directory.ts";

type Entity = { readonly "@id": string; readonly "@type": string; readonly [key: string]: unknown };

/** A run directory with some files, and its crate. */
async function crateOf(
  directory: string,
  change: Parameters<RunDirectory["update"]>[0],
): Promise<{ run: RunDirectory; graph: readonly Entity[]; context: unknown }> {
  const run = await createRun(directory, {
    plugin: { name: "trial", title: "A trial" },
    action: "run",
    simulated: true,
    seconds: {},
    engine: null,
    seed: 7,
    versions: { beamline: "0.1.0", deno: "2.9.6" },
    command: ["run", "trial", "--seed", "7"],
    configHash: "1a2b3c4d",
    error: null,
    warnings: [],
  });
  await run.write("config.json", { values: { epochs: 3, model: { depth: 2 }, tags: ["a"] } });
  const input = { name: "x#1.json", bytes: 12, sha256: "ab".repeat(32) };
  await run.write("provenance/inputs.json", [input, input]);
  await run.write("provenance/environment.json", { variables: { DENO_V8_FLAGS: "--no-opt" } });
  await run.write("figures/a b#1.json", {});
  await run.update({ finished: "2026-01-02T03:04:05.000Z", ...change });
  await writeCrate(run);
  await run.unlock();
  const crate = JSON.parse(await Deno.readTextFile(run.file("ro-crate-metadata.json")));
  return { run, graph: crate["@graph"], context: crate["@context"] };
}

/** Every reference `{"@id": ...}` in an entity. */
function references(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (typeof value !== "object" || value === null) return [];
  const { "@id": id, ...others } = value as { "@id"?: string };
  return [
    ...(typeof id === "string" && Object.keys(others).length === 0 ? [id] : []),
    ...Object.values(others).flatMap(references),
  ];
}

for (const status of ["finished", "failed", "interrupted"] as const) {
  Deno.test(`writeCrate() fulfils RO-Crate 1.1 and Process Run Crate 0.5 for a run that is ${status}`, async () => {
    await withTempDir(async (directory) => {
      const error = status === "finished"
        ? null
        : { name: "PluginError", message: "lost beam", hook: "prepare" };
      const { graph, context } = await crateOf(directory, { status, error });
      const find = (id: unknown): Entity => {
        const entity = graph.find((candidate) => candidate["@id"] === id);
        assert.ok(entity, `there must be an entity "${id}"`);
        return entity;
      };
      const idOf = (value: unknown): string => (value as { "@id": string })["@id"];
      // RO-Crate 1.1: flattened, unique ids, a descriptor, a root with its required properties
      assert.deepEqual(context, [
        "https://w3id.org/ro/crate/1.1/context",
        "https://w3id.org/ro/terms/workflow-run/context",
      ]);
      assert.equal(new Set(graph.map((entity) => entity["@id"])).size, graph.length);
      for (const entity of graph) {
        assert.ok(entity["@type"], entity["@id"]);
        for (const id of references(Object.values(entity))) if (!id.startsWith("http")) find(id);
      }
      const descriptor = find("ro-crate-metadata.json");
      assert.equal(idOf(descriptor.conformsTo), "https://w3id.org/ro/crate/1.1");
      assert.equal(idOf(descriptor.about), "./");
      const root = find("./");
      assert.equal(root["@type"], "Dataset");
      for (const field of ["name", "description", "datePublished"]) assert.ok(root[field], field);
      const license = find(idOf(root.license));
      assert.ok(license.name && license.description);
      // Process Run Crate 0.5
      const profile = "https://w3id.org/ro/wfrun/process/0.5";
      assert.equal(idOf(root.conformsTo), profile);
      assert.equal(find(profile)["@type"], "CreativeWork");
      const action = find(idOf(root.mentions));
      assert.equal(action["@type"], "CreateAction");
      assert.match(
        action["@id"],
        /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      );
      for (const field of ["name", "description", "startTime", "endTime", "result"]) {
        assert.ok(action[field], field);
      }
      assert.equal(find(idOf(action.agent))["@type"], "Person");
      const tool = find(idOf(action.instrument));
      assert.equal(tool["@type"], "SoftwareApplication");
      assert.ok(tool.name && (tool.softwareVersion ?? tool.version));
      for (const { "@id": id } of graph.filter((entity) => entity["@type"] === "SoftwareApplication")) {
        assert.ok(find(id).softwareVersion, id);
      }
      const isFinished = status === "finished";
      assert.equal(
        idOf(action.actionStatus),
        `http://schema.org/${isFinished ? "Completed" : "Failed"}ActionStatus`,
      );
      assert.equal(action.error, isFinished ? undefined : "lost beam");
      const objects = (action.object as { "@id": string }[]).map(idOf);
      assert.ok(objects.includes("config.json"));
      assert.equal(find("#parameter-model.depth").value, 2);
      assert.equal(find("#parameter-tags").value, '["a"]');
      assert.equal(find("#input-abababababababab").sha256, "ab".repeat(32));
      assert.equal(find(idOf((action.environment as unknown[])[0])).value, "--no-opt");
    });
  });
}

Deno.test("writeCrate() lists every file but itself and the lock, with names as URI paths", async () => {
  await withTempDir(async (directory) => {
    const { run, graph } = await crateOf(directory, { status: "finished" });
    const parts = (graph.find((entity) => entity["@id"] === "./")!.hasPart as { "@id": string }[]).map((
      part,
    ) => part["@id"]);
    assert.deepEqual(parts, [
      "config.json",
      "figures/a%20b%231.json",
      "provenance/environment.json",
      "provenance/inputs.json",
      "run.json",
    ]);
    for (const id of parts) {
      const entity = graph.find((candidate) => candidate["@id"] === id)!;
      assert.equal(entity["@type"], "File");
      const { size } = await Deno.stat(run.file(decodeURIComponent(id)));
      assert.equal(entity.contentSize, String(size));
    }
  });
});
