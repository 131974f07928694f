import assert from "node:assert/strict";
import { join } from "node:path";
import { nextCommand, type Place, quoted } from "./next_command.ts";

const PLACE: Place = { directory: Deno.cwd(), project: Deno.cwd(), hasDeno: true, os: "linux" };
const next = (run: string, place: Partial<Place> = {}, typed: readonly string[] = []): string =>
  nextCommand("resume", run, [], typed, { ...PLACE, ...place });

Deno.test("nextCommand() names a run of the project by its id, another one by its path from the user", () => {
  assert.equal(next(join(Deno.cwd(), "runs", "ecal", "1")), "deno task resume 1");
  assert.equal(next(join(Deno.cwd(), "my", "ecal", "1")), "deno task resume my/ecal/1");
  const directory = join(Deno.cwd(), "docs");
  assert.equal(next(join(Deno.cwd(), "my", "ecal", "1"), { directory }), "deno task resume ../my/ecal/1");
});

Deno.test("nextCommand() starts Deno through npx where the shell does not find it, and names a project elsewhere", () => {
  const run = join(Deno.cwd(), "runs", "ecal", "1");
  assert.equal(next(run, { hasDeno: false }), `npx --yes deno@${Deno.version.deno} task resume 1`);
  assert.equal(
    next("/x/runs/ecal/1", { directory: "/x/y", project: "/x/beamline" }),
    "deno task --config ../beamline/deno.json resume ../runs/ecal/1",
  );
});

Deno.test("nextCommand() names the folder of prepared data again, for the tasks that use it", () => {
  const run = join(Deno.cwd(), "runs", "ecal", "1");
  for (const typed of [["--cache", "a b"], ["--cache=x", "--cache=a b"]]) {
    assert.equal(next(run, {}, typed), "deno task resume 1 --cache 'a b'");
    assert.equal(nextCommand("report", run, [], typed, PLACE), "deno task report 1");
  }
  assert.equal(next(run, {}, ["--cache"]), "deno task resume 1");
});

Deno.test("quoted() leaves plain words, and quotes what a shell would take apart", () => {
  assert.equal(quoted("runs/a-1.x", "linux"), "runs/a-1.x");
  assert.equal(quoted("it's $HOME", "linux"), `'it'\\''s $HOME'`);
  assert.equal(quoted("a;b", "linux"), "'a;b'");
  assert.equal(quoted("", "linux"), "''");
  assert.equal(quoted("C:\\a b", "windows"), '"C:\\a b"');
  assert.equal(quoted("C:\\a", "windows"), "C:\\a");
});
