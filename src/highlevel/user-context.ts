import { createDecipheriv, createHash } from "node:crypto";
import { z } from "zod";
import { ParseError } from "../errors.ts";

/** Who looks at a page of the app inside HighLevel, and where. */
export interface UserContext {
  userId: string;
  companyId: string | undefined;
  locationId: string;
  isAdmin: boolean;
}

const id = z.string().regex(/^[\w-]{1,100}$/);
/** What there is besides, such as the name and the address, is not read. An agency's user has no location outside of one. */
const said = z.object({
  ...{ userId: id, activeLocation: id, role: z.enum(["admin", "user"]).catch("user") },
  companyId: id.optional(),
});

const maxLength = 8_000;

/**
 * Opens what HighLevel gives its frames by `REQUEST_USER_DATA`: JSON under the app's shared secret, by AES-256-CBC as CryptoJS does
 * it with a passphrase. It is encrypted and not signed, and has no time. Throws a ParseError, the same whatever is wrong with it.
 * https://marketplace.gohighlevel.com/docs/other/user-context-marketplace-apps
 */
export function openUserContext(encrypted: string, sharedSecret: string): UserContext {
  try {
    const {
      userId,
      companyId,
      activeLocation: locationId,
      role,
    } = said.parse(parseOnce(open(encrypted, sharedSecret)));
    return { userId, companyId, locationId, isAdmin: role === "admin" };
  } catch {
    throw new ParseError("it is no user context of this app's, or is of no location");
  }
}

function open(encrypted: string, secret: string): string {
  const bytes = Buffer.from(encrypted.length > maxLength ? "" : encrypted, "base64");
  if (bytes.subarray(0, 8).toString("latin1") !== "Salted__") throw new Error("no salt");
  const { key, iv } = deriveKey(secret, bytes.subarray(8, 16));
  const decipher = createDecipheriv("aes-256-cbc", key, iv);
  const plain = Buffer.concat([decipher.update(bytes.subarray(16)), decipher.final()]);
  return new TextDecoder("utf-8", { fatal: true }).decode(plain);
}

/**
 * JSON in which no key is repeated: by flipped bits somebody could have a second role follow a garbled name, and of two the
 * last would count.
 */
function parseOnce(json: string): unknown {
  let kept = -1; // The whole counts as one.
  const parsed: unknown = JSON.parse(json, function (this: unknown, _key, value) {
    if (!Array.isArray(this)) kept++;
    return value;
  });
  const written = [...json.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter(([, colon]) => colon).length;
  if (written !== kept) throw new Error("a repeated key");
  return parsed;
}

/** OpenSSL's EVP_BytesToKey with MD5 and one round, which CryptoJS takes for passphrases. */
function deriveKey(secret: string, salt: Buffer): { key: Buffer; iv: Buffer } {
  let derived = Buffer.alloc(0);
  while (derived.length < 48) {
    const last = derived.subarray(-16);
    derived = Buffer.concat([derived, createHash("md5").update(last).update(secret).update(salt).digest()]);
  }
  return { key: derived.subarray(0, 32), iv: derived.subarray(32, 48) };
}
