import { providers } from "./providers.ts";

/** Those that the signers of fixtures sign by, by the URL that their signatures name. */
export const certificates = new Map(
  providers.flatMap(({ signer: { certificate } }) => (certificate ? [[certificate.url, certificate.pem]] : [])),
);
