import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { skeletonOf } from "./provider-skeleton.ts";

/**
 * `npm run new:provider -- acme --channel sms`: writes a provider that passes the contract at once, to be changed piece by
 * piece into the real one.
 */
const root = join(import.meta.dirname, "..");
const { positionals, values } = parseArgs({ allowPositionals: true, options: { channel: { type: "string" } } });
const [name = ""] = positionals;
const { channel } = values;
if (!/^[a-z][a-z\d]*(-[a-z\d]+)*$/.test(name) || (channel !== "sms" && channel !== "email")) {
  fail("Usage: npm run new:provider -- <name in lower case> --channel sms|email");
} else if (existsSync(join(root, `src/providers/${channel}/${name}.ts`))) {
  fail(`src/providers/${channel}/${name}.ts is there already`);
} else {
  const { variable, files } = skeletonOf(name, channel);
  for (const [path, text] of Object.entries(files)) write(path, text);
  const registry = readFileSync(join(root, "src/providers/registry.ts"), "utf8");
  write("src/providers/registry.ts", withLine(registry, { name, variable, channel }));
  format([...Object.keys(files), "src/providers/registry.ts"]);
  process.stdout.write(`Next: put in the facts, and run npx vitest run test/providers, then npm run docs:providers\n`);
}

function withLine(registry: string, added: Record<"name" | "variable" | "channel", string>): string {
  const { name: provider, variable, channel: folder } = added;
  const key = provider === variable ? variable : `"${provider}": ${variable}`;
  return registry
    .replace(/(?<=\n)(?=import \{ type Adapter\b)/, `import { ${variable} } from "./${folder}/${provider}.ts";\n`)
    .replace(/(const adapters[^{]*\{[^}]*)(?=\};)/, `$1  ${key},\n`);
}

/** As the lint wants it, imports in their order. Without its rules, for which it would read the whole project. */
function format(paths: string[]): void {
  const biome = join(root, "node_modules/@biomejs/biome/bin/biome");
  const options = ["--write", "--vcs-enabled=false", "--linter-enabled=false"];
  execFileSync(process.execPath, [biome, "check", ...options, ...paths], { cwd: root });
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  process.stdout.write(`wrote ${path}\n`);
}

function fail(message: string): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
}
