import { requireCredential } from "../../kit/credentials.ts";
import { signJwt } from "../../kit/jwt.ts";
import { bearer } from "../../kit/proofs.ts";
import { decodePrivateKey } from "../../kit/public-keys.ts";

/** What a call in the name of an application needs. */
export interface VonageApplication {
  applicationId: string;
  privateKey: string;
}

/** The header of such a call; `purpose` is what it is for. */
export function bearerOf({ applicationId, privateKey }: VonageApplication, purpose: string) {
  const key = requireCredential(decodePrivateKey(privateKey), "privateKey");
  return bearer(signJwt({ application_id: applicationId }, key, purpose));
}
