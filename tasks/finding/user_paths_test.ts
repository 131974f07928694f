import assert from "node:assert/strict";
import { join } from "node:path";
import { withTempDir } from "../../tests/support/plugins.ts";
import {
  isInProjectRuns,
  PATH_VALUES,
  shownPath,
  userDirectory,
  userPath,
  userReference,
} from "./user_paths.ts";

Deno.test("userDirectory() is where the command was typed, below the working directory and outside of our own folder", async () => {
  await withTempDir(async (directory) => {
    const [project, below, outside] = ["project", "project/sub", "elsewhere"].map((name) =>
      join(directory, name)
    );
    for (const folder of [below!, outside!]) await Deno.mkdir(folder, { recursive: true });
    const at = (started: string | undefined, own = "/beamline") => userDirectory(started, project!, own);
    assert.equal(at(undefined), project);
    assert.equal(at(project), project);
    assert.equal(at(below), below);
    assert.equal(at(outside), project, "left over from an outer command");
    assert.equal(at(outside, project), outside, "typed with --config");
    for (const odd of ["sub", "", join(project!, "gone"), "\0"]) assert.equal(at(odd, project), project, odd);
  });
});

Deno.test("userPath() leaves what is typed in the working directory, and makes it absolute elsewhere", () => {
  assert.equal(userPath("a/b", Deno.cwd()), "a/b");
  assert.equal(userPath("../b", "/x/y"), "/x/b");
  assert.equal(userPath("/b", "/x/y"), "/b");
  assert.equal(userReference("ecal", "/x"), "ecal");
  for (const path of ["./ecal", "a/ecal", ".", ".."]) {
    assert.ok(userReference(path, "/x/y").startsWith("/x"), path);
  }
});

Deno.test("PATH_VALUES leave names of plugins and runs as they are", () => {
  assert.equal(PATH_VALUES["name|path"]!("ecal"), "ecal");
  assert.equal(PATH_VALUES["run|file"]!("latest"), "latest");
  assert.equal(PATH_VALUES["file|-"], undefined);
});

Deno.test("shownPath() is relative to the user, or absolute where that is shorter", () => {
  assert.equal(shownPath("/x/y/runs/a", "/x/y"), "runs/a");
  assert.equal(shownPath("/x/runs/a", "/x/y"), "../runs/a");
  assert.equal(shownPath("/tmp/a", "/home/ada/projects"), "/tmp/a");
  assert.equal(shownPath("/x", "/x"), ".");
});

Deno.test("isInProjectRuns() is true below runs/ of the working directory alone", () => {
  assert.ok(isInProjectRuns(join(Deno.cwd(), "runs", "ecal", "1")));
  assert.ok(!isInProjectRuns(join(Deno.cwd(), "other", "ecal", "1")));
});
