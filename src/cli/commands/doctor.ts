import { existsSync, readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import type { Command } from "commander";
import { readConfig } from "../../config.ts";
import { ConfigError } from "../../errors.ts";
import { type Bridge, type Query, Refusal } from "../call-bridge.ts";
import { CommandError } from "../command-error.ts";
import { addFilters, type Options, readFilters, walk } from "../lists.ts";
import { plural, say, sayJson } from "../print.ts";
import type { Io, Session } from "../session.ts";
import { checkResult, type Finding, sayFindings } from "./findings.ts";
import { judgeClock, judgeReadiness, judgeStatus } from "./judge-status.ts";
import { location } from "./locations.ts";
import { mapping } from "./mappings.ts";

/** So many checks are under way at once: each calls a provider or HighLevel. */
const atOnce = 4;
const publicSeconds = 10;

export function addDoctor(program: Command, session: Session): void {
  const command = program
    .command("doctor")
    .description("is all connected rightly? Says what to do; exit code 1 where something fails");
  addFilters(command, ["location", "mapping"]).action(async (options: Options) => {
    const found = await examine(session, readFilters(options));
    const count = (state: Finding["state"]) => found.filter((each) => each.state === state).length;
    if (session.isJson()) sayJson(session, { state: count("failure") > 0 ? "failure" : "ok", checks: found });
    else {
      sayFindings(session, found);
      const skipped = count("skipped") === 0 ? "" : `, ${count("skipped")} not looked at`;
      say(
        session,
        `${count("ok")} ok, ${plural(count("warning"), "warning")}, ${plural(count("failure"), "failure")}${skipped}`,
      );
    }
    if (count("failure") > 0) session.foundWrong();
  });
}

async function examine(session: Session, query: Query): Promise<Finding[]> {
  const bridge = session.bridge();
  const ready = await lookAt(bridge, session.io);
  if ("finding" in ready) return [ready.finding, ...judgeSettings(session.io)];
  const { body, headers, status, durationMs } = ready;
  const general = [...judgeReadiness(status, body, durationMs), ...judgeClock(headers.get("date"), Date.now())];
  const asked = await bridge.look("GET", "/admin/status");
  const { findings, publicUrl } = judgeStatus(asked.status, asked.body);
  if (asked.status === 401) return [...general, ...findings];
  const { mappings, checks } = await checkAll(bridge, query);
  const origin = publicUrl ?? mappings[0]?.webhookUrl.split("/webhooks/")[0];
  return [...general, ...findings, await judgePublicUrl(origin, session.io.signal), ...checks];
}

async function lookAt(bridge: Bridge, io: Io) {
  try {
    return await bridge.look("GET", "/readyz");
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const advice = "see whether it runs, and whether BRIDGE_URL is right: bridge login keeps another one";
    return { finding: { check: "bridge", state: "failure", detail: error.message, advice } satisfies Finding, io };
  }
}

/** Where no bridge answers: would it start with the settings that are here? */
function judgeSettings({ env }: Io): Finding[] {
  const file = existsSync(".env") ? parseEnv(readFileSync(".env", "utf8")) : {};
  if (!(file["PUBLIC_URL"] ?? env["PUBLIC_URL"])) {
    return [{ check: "settings", state: "skipped", detail: "there are none here: run it where the bridge runs" }];
  }
  try {
    readConfig({ ...file, ...env });
    return [{ check: "settings", state: "ok", detail: "with those that are here the bridge would start" }];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const advice = "correct it in .env or in the environment, and start the bridge";
    return error.message.split("\n").map((detail) => ({ check: "settings", state: "failure", detail, advice }));
  }
}

async function judgePublicUrl(url: string | undefined, signal: AbortSignal): Promise<Finding> {
  const check = "PUBLIC_URL";
  if (url === undefined) {
    return { check, state: "skipped", detail: "an integrator's key sees it with its first mapping" };
  }
  const wrong = (detail: string, advice: string): Finding => ({
    check,
    state: "failure",
    detail: `${url} ${detail}`,
    advice,
  });
  const answer = await fetch(`${url}/readyz`, {
    redirect: "manual",
    signal: AbortSignal.any([signal, AbortSignal.timeout(publicSeconds * 1000)]),
  }).catch((error: Error) => error);
  if (answer instanceof Error) {
    const why = answer.cause instanceof Error ? answer.cause.message : answer.message;
    return wrong(
      `does not answer from here: ${why}`,
      "have it lead to the bridge: its name, its certificate, its proxy",
    );
  }
  if (![200, 503].includes(answer.status)) {
    return wrong(
      `answers ${answer.status} for /readyz`,
      "what stands there is not the bridge: correct the proxy, or PUBLIC_URL",
    );
  }
  if (url.startsWith("https://")) return { check, state: "ok", detail: `${url} answers from here, by https` };
  const advice = "put a proxy before it that ends TLS, and set PUBLIC_URL to its https:// address";
  return { check, state: "warning", detail: `${url} is not https://: HighLevel and providers want that`, advice };
}

/** Every location and mapping that the key reaches, or those that were asked for. */
async function checkAll(bridge: Bridge, { locationId, mappingId }: Query) {
  const mappings = await collect(walk(bridge, "/admin/mappings", mapping, { locationId }));
  const asked = mappings.filter(({ id }) => mappingId === undefined || id === mappingId);
  const places = new Set(asked.map((each) => each.locationId));
  const locations = (await collect(walk(bridge, "/admin/locations", location))).filter(({ id }) =>
    mappingId === undefined ? locationId === undefined || id === locationId : places.has(id),
  );
  if (asked.length + locations.length === 0) return { mappings, checks: [nothingThere] };
  const checks = await inTurns([
    ...locations.map(
      ({ id, name }) =>
        () =>
          check(bridge, `location ${name ?? id}`, `/admin/locations/${encodeURIComponent(id)}/check`),
    ),
    ...asked.map(
      ({ id, address, provider }) =>
        () =>
          check(bridge, `${provider} ${address}`, `/admin/mappings/${id}/check`),
    ),
  ]);
  return { mappings, checks: checks.flat() };
}

const nothingThere: Finding = {
  check: "locations",
  state: "warning",
  detail: "no location and no mapping is there that fits",
  advice: "bridge locations reconnect <id>, then bridge mappings add",
};

/** What is well is one line. */
async function check(bridge: Bridge, name: string, path: string): Promise<Finding[]> {
  const checks = await askCheck(bridge, path);
  const wrong = checks
    .filter(({ state }) => state !== "ok")
    .map((each) => ({ ...each, check: `${name}, ${each.check}` }));
  if (wrong.length > 0) return wrong;
  return [{ check: name, state: "ok", detail: checks.map((each) => each.check).join(", ") }];
}

/** One that is refused hides nothing of what the others find. */
async function askCheck(bridge: Bridge, path: string): Promise<Finding[]> {
  try {
    return checkResult.parse(await bridge.write("POST", path)).checks;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return [{ check: "check", state: "warning", detail: error.message, advice: "bridge doctor, a little later" }];
  }
}

async function inTurns<Value>(tasks: (() => Promise<Value>)[]): Promise<Value[]> {
  const results: Value[] = [];
  const next = tasks.entries();
  const work = async () => {
    for (const [index, task] of next) results[index] = await task();
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}
