import type { Finding } from "../../../model.ts";
import { failure, ok } from "./findings.ts";

/** `credentials`: the same place, by another user name and password. */
type Likeness = "same" | "credentials" | "other";

/**
 * Is a URL that is set at a provider the one that was to be pasted there? What follows `#` is for the provider, and a query
 * changes nothing at the bridge.
 */
export function compareUrls(found: string, wanted: string): Likeness {
  if (!URL.canParse(found)) return "other";
  const [theirs, ours] = [new URL(found), new URL(wanted)];
  if (theirs.origin !== ours.origin || theirs.pathname !== ours.pathname) return "other";
  return ours.username === theirs.username && ours.password === theirs.password ? "same" : "credentials";
}

/** The finding on a webhook URL. `place` is where it is set, as in `the number's "A message comes in"`. */
export function judgeUrl(check: string, found: string | null | undefined, wanted: string, place: string): Finding {
  const paste = `paste the mapping's webhookUrl into ${place}`;
  if (!found) return failure(check, `${place} is empty: nothing that people write arrives`, paste);
  const likeness = compareUrls(found, wanted);
  if (likeness === "same") return ok(check, `${place} is this mapping's webhookUrl`);
  if (likeness === "other") return failure(check, `${place} is ${shownUrl(found, wanted)}`, paste);
  const detail = `${place} is this mapping's webhookUrl with another user name or password: what comes by it is answered 401`;
  return failure(
    check,
    detail,
    "change the credentials to the same ones: the answer has the webhookUrl to paste, whole",
  );
}

/** Somebody else's URL may carry secrets in its path, its query and before its host. */
function shownUrl(found: string, wanted: string): string {
  if (!URL.canParse(found)) return "no URL";
  const { origin } = new URL(found);
  return origin === new URL(wanted).origin ? "another URL of this bridge" : `a URL of ${origin}`;
}
