import type { FetchFile } from "../calls/fetch-file.ts";
import { remember } from "../concurrency/remember.ts";
import { Failure } from "../errors.ts";
import type { FetchCertificate } from "./kit/proofs.ts";

const maxBytes = 20_000;
const timeoutMs = 5000;
const keptSeconds = 24 * 3600;
const maxKept = 100;
const maxUnderWay = 3;

/**
 * Fetches certificates that proofs need, each once in a day. What was signed by nobody can make us fetch as well: few are
 * under way at once, and beyond that it fails with `own_limit`. A redirect leads to the same URL or nowhere.
 */
export function createFetchCertificate(fetchFile: FetchFile): FetchCertificate {
  let underWay = 0;

  async function fetchNow(url: string): Promise<string> {
    if (underWay >= maxUnderWay) throw new Failure("own_limit", "too many certificates are being fetched");
    underWay++;
    try {
      const { host, pathname } = new URL(url);
      const signal = AbortSignal.timeout(timeoutMs);
      const { stream } = await fetchFile(url, { allowedHosts: [`${host}${pathname}`], limitBytes: maxBytes, signal });
      return await readText(stream);
    } finally {
      underWay--;
    }
  }

  const kept = remember(fetchNow, { seconds: keptSeconds, maxKeys: maxKept });
  return async (url) => (await kept.get(url)) ?? "";
}

async function readText(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString("latin1");
}
