import { readFileSync } from "node:fs";

/**
 * Prints the changelog's section of a version, for the release of its tag: `node tools/release-notes.mjs v1.2.3`. Ends
 * with 1 where the tag, package.json and the changelog do not agree. Plain JavaScript: it runs before npm ci.
 */
const [, , tag = ""] = process.argv;
const read = (name) => readFileSync(new URL(`../${name}`, import.meta.url), "utf8");
const version = tag.replace(/^v/, "");
const { version: current } = JSON.parse(read("package.json"));
const sections = read("CHANGELOG.md").split(/^## /m);
const section = sections.find((text) => text.startsWith(`${version} · `));

if (version !== current) fail(`package.json says ${current}, and the tag ${tag}`);
if (!section) fail(`CHANGELOG.md has no section "## ${version} · <date>"`);
process.stdout.write(`${section.slice(section.indexOf("\n")).trim()}\n`);

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}
