import type { TokenGrant } from "../../../calls/call-api.ts";

/** What Bandwidth gives an access token for, good for an hour: https://dev.bandwidth.com/docs/account/credentials/migration */
export function grantOf({ clientId, clientSecret }: Pick<TokenGrant, "clientId" | "clientSecret">): TokenGrant {
  return { url: "https://api.bandwidth.com/api/v1/oauth2/token", clientId, clientSecret };
}
