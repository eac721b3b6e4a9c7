import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";

const root = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const filesIn = (folder: string, ending: RegExp) =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((name) => ending.test(name))
        .map((name) => join(folder, name))
    : [];

const packageJson = z
  .object({ version: z.string(), scripts: z.record(z.string(), z.string()), engines: z.object({ node: z.string() }) })
  .parse(JSON.parse(read("package.json")));

const permissions = z.record(z.string(), z.enum(["read", "write"]));
const step = z.object({
  uses: z.string().optional(),
  run: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
});
const job = z.object({
  uses: z.string().optional(),
  "timeout-minutes": z.number().optional(),
  needs: z.union([z.string(), z.array(z.string())]).optional(),
  permissions: permissions.optional(),
  strategy: z.object({ matrix: z.record(z.string(), z.array(z.string())) }).optional(),
  env: z.record(z.string(), z.string()).optional(),
  steps: z.array(step).default([]),
});
const workflow = z.object({
  on: z.record(z.string(), z.unknown()),
  permissions,
  concurrency: z.object({ group: z.string(), "cancel-in-progress": z.union([z.boolean(), z.string()]) }),
  jobs: z.record(z.string(), job),
});
const readWorkflow = (name: string) => workflow.parse(parse(read(`.github/workflows/${name}.yml`)));
const names = filesIn(".github/workflows", /\.yml$/).map((path) => path.replace(/^.*\/|\.yml$/g, ""));

describe.each(names)("the workflow %s", (name) => {
  const { permissions: given, jobs } = readWorkflow(name);

  test("may only read, but for the jobs that publish", () => {
    expect(given).toEqual({ contents: "read" });
    const writers = Object.entries(jobs).filter(([, each]) => Object.values(each.permissions ?? {}).includes("write"));
    expect(writers.map(([id]) => `${name}.${id}`)).toEqual(
      name === "release" ? ["release.image", "release.release"] : [],
    );
  });

  test("ends by itself, names the version of each action, and leaves no token in the checkout", () => {
    for (const each of Object.values(jobs).filter(({ uses }) => uses === undefined)) {
      expect(each["timeout-minutes"]).toBeGreaterThan(0);
      for (const { uses } of each.steps) expect(uses ?? "x/x@v1").toMatch(/^[\w-]+\/[\w-]+@(v\d+|[0-9a-f]{40})$/);
      const checkouts = each.steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"));
      for (const checkout of checkouts) expect(checkout.with).toMatchObject({ "persist-credentials": false });
    }
  });
});

test("each change must pass .ci/run on the oldest Node that must work and on newer ones", () => {
  const { on, jobs } = readWorkflow("ci");
  expect(Object.keys(on)).toEqual(expect.arrayContaining(["push", "pull_request"]));
  expect(jobs["node"]?.steps.map(({ run }) => run)).toContain(".ci/run");
  const versions = jobs["node"]?.strategy?.matrix["node"] ?? [];
  expect(`>=${versions[0]}`).toBe(packageJson.engines.node);
  expect(versions).toEqual(["20.19", "22", "24"]);
});

test("each change must pass the tests on the oldest PostgreSQL that must work and on the newest", () => {
  const { postgres } = readWorkflow("ci").jobs;
  expect(postgres?.strategy?.matrix["postgres"]).toEqual(["14", "18"]);
  expect(postgres?.env?.["TEST_DATABASE_URL"]).toMatch(/^postgres:\/\//);
  expect(postgres?.steps.map(({ run }) => run)).toContain("npm test");
});

test("every adapter and every route is fuzzed each night", () => {
  const { on, jobs } = readWorkflow("fuzz");
  expect(on["schedule"]).toEqual([{ cron: expect.stringMatching(/^\d+ \d+ \* \* \*$/) }]);
  expect(jobs["fuzz"]?.steps.map(({ run }) => run)).toContain("npm run fuzz");
});

test("a tag is released only when it has passed everything, as an image whose origin and contents are attested", () => {
  const { on, jobs } = readWorkflow("release");
  expect(on).toEqual({ push: { tags: ["v*"] } });
  expect(jobs["ci"]?.uses).toBe("./.github/workflows/ci.yml");
  expect(Object.keys(readWorkflow("ci").on)).toContain("workflow_call");
  expect(jobs["image"]?.needs).toEqual(["notes", "ci"]);
  expect(jobs["release"]?.needs).toBe("image");
  const built = jobs["image"]?.steps.find(({ uses }) => uses?.startsWith("docker/build-push-action@"));
  expect(built?.with).toMatchObject({ push: true, provenance: "mode=max", sbom: true });
});

describe("the forms for issues", () => {
  const form = z.object({
    name: z.string(),
    description: z.string(),
    body: z.array(
      z.object({
        type: z.enum(["markdown", "input", "textarea", "dropdown"]),
        id: z.string().optional(),
        attributes: z.object({ label: z.string().optional() }),
        validations: z.object({ required: z.boolean() }).optional(),
      }),
    ),
  });
  const required = (name: string) =>
    form
      .parse(parse(read(`.github/ISSUE_TEMPLATE/${name}.yml`)))
      .body.filter(({ validations }) => validations?.required)
      .map(({ id }) => id);

  test("ask for what a report is of no use without, and there is no way around them", () => {
    expect(required("bug")).toEqual(expect.arrayContaining(["happened", "version", "database"]));
    expect(required("provider-request")).toEqual(expect.arrayContaining(["documentation", "signature", "samples"]));
    expect(parse(read(".github/ISSUE_TEMPLATE/config.yml"))).toEqual({ blank_issues_enabled: false });
  });
});

test("every YAML file of the project can be read", () => {
  const files = ["compose.yaml", ...[".github", "ops", "docs"].flatMap((folder) => filesIn(folder, /\.ya?ml$/))];
  expect(files.length).toBeGreaterThan(7);
  for (const file of files) expect(parse(read(file), { merge: true }), file).toBeTypeOf("object");
});

test("every command that the project tells people or machines to run is there", () => {
  const pages = readdirSync(root).filter((name) => /\.md$|^Dockerfile$/.test(name));
  const inFolders = ["docs", ".github", "bench", "chaos", "demo"].flatMap((folder) => filesIn(folder, /\.(md|ya?ml)$/));
  const missing = [...pages, ".ci/run", ...inFolders].flatMap((file) =>
    [...read(file).matchAll(/\bnpm run (?:--silent )?([\w:-]+)/g)]
      .map(([, script = ""]) => script)
      .filter((script) => !Object.hasOwn(packageJson.scripts, script))
      .map((script) => `${file}: npm run ${script}`),
  );
  expect(missing).toEqual([]);
});
