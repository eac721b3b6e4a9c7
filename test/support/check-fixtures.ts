import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ApiRequest, CallApi } from "../../src/calls/call-api.ts";
import { refusal } from "../../src/calls/failures.ts";
import type { FindingState } from "../../src/model.ts";

/** What a provider is asked by a check, as test/fixtures/<provider>/check/<name>.json keeps it. */
export interface CheckFixture {
  /** What this sample shows, in a sentence. */
  about: string;
  source: string;
  /** The mapping's. */
  address: string;
  /** Where others than the signer's `sendCredentials` are needed. */
  credentials?: unknown;
  /** What is asked, in this order, but for the headers. A form is written as pairs. */
  exchanges: {
    request: Pick<ApiRequest, "method" | "url" | "query" | "body">;
    answer: { status: number; body: unknown };
  }[];
  /** What must be found, and some words of it. */
  finds: { check: string; state: FindingState; says: string }[];
}

/** The id of the mapping to whose URL the answers point. */
export const checkedMappingId = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";

export function readCheckFixtures(provider: string): { name: string; fixture: CheckFixture }[] {
  const folder = join(import.meta.dirname, "../fixtures", provider, "check");
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).toSorted();
  return files.map((file) => {
    return { name: file.slice(0, -5), fixture: JSON.parse(readFileSync(join(folder, file), "utf8")) as CheckFixture };
  });
}

/** Answers as the fixture says, and keeps what was asked. */
export function answerChecks({ exchanges }: Pick<CheckFixture, "exchanges">) {
  const requests: ApiRequest[] = [];
  const callApi: CallApi = async (request) => {
    const exchange = exchanges[requests.push(request) - 1];
    if (!exchange) throw new Error(`nothing was to be asked at ${request.url}`);
    const { status, body } = exchange.answer;
    if (status > 299) throw refusal({ status, headers: {} }, typeof body === "string" ? body : JSON.stringify(body));
    return { status, headers: {}, body };
  };
  return { callApi, requests };
}
