import { createHash, createHmac } from "node:crypto";
import type { WebhookRequest } from "../../model.ts";
import { isSame } from "../../secrets/compare.ts";
import { isOfType } from "./decode.ts";
import type { Proof } from "./proofs.ts";
import { queryOf } from "./reference.ts";
import { sortedFields } from "./signed-parts.ts";

/**
 * Twilio's, which others have taken over: HMAC-SHA1 over the public URL and the sorted form fields, or for JSON over the URL
 * alone, whose query then holds the body's SHA-256. Whether the signed URL has its default port differs from sender to
 * sender. https://www.twilio.com/docs/usage/security#validating-requests
 */
export function twilioSignature<Given>(
  header: string,
  key: (credentials: Given) => string,
  /** Has the form a meaning besides the one that was signed? It is refused before the signature is judged. */
  isWhole: (body: Buffer, credentials: Given) => boolean = () => true,
): Proof<Given> {
  return (request, credentials) => {
    const signature = request.headers[header];
    const signedBody = signedBodyOf(request);
    const secret = key(credentials);
    if (!signature || signedBody === undefined || secret === "") return false;
    if (!isOfType(request, "application/json") && !isWhole(request.body, credentials)) return false;
    return urlsWithAndWithoutPort(request.url).some((url) =>
      isSame(
        signature,
        createHmac("sha1", secret)
          .update(url + signedBody)
          .digest("base64"),
      ),
    );
  };
}

/** What is signed after the URL; undefined for a body that is not covered. */
function signedBodyOf(request: WebhookRequest): string | undefined {
  if (isOfType(request, "application/json")) return isBodySigned(request) ? "" : undefined;
  return sortedFields(request.body);
}

function isBodySigned({ url, body }: WebhookRequest): boolean {
  const bodySha256 = queryOf(url).get("bodySHA256");
  return bodySha256 !== null && isSame(bodySha256, createHash("sha256").update(body).digest("hex"));
}

const authority = /^(https?:)\/\/([^/?#]*?)(:\d+)?(?=[/?#]|$)/i;
const defaultPorts: Record<string, string> = { "https:": ":443", "http:": ":80" };

function urlsWithAndWithoutPort(url: string): string[] {
  const [, scheme = "", , port] = authority.exec(url) ?? [];
  const defaultPort = defaultPorts[scheme.toLowerCase()];
  if (port !== undefined && port !== defaultPort) return [url];
  return ["", defaultPort].map((each) => url.replace(authority, `$1//$2${each}`));
}
