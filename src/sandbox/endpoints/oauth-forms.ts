import { z } from "zod";

/** How the marketplace app stands. What is not given stays as it was. */
export const oauthSettings = z.strictObject({
  clientId: z.string().min(1).optional(),
  clientSecret: z.string().min(1).optional(),
  /** What a person picks on the page where a location or agency is chosen. */
  chosen: z
    .union([z.strictObject({ locationId: z.string().min(1) }), z.strictObject({ companyId: z.string().min(1) })])
    .optional(),
  /** How long new access tokens live: HighLevel's about a day. */
  accessTokenSeconds: z.number().min(0).optional(),
  /** For how long a used refresh token gives the same new pair again: HighLevel's 30 seconds. */
  refreshGraceSeconds: z.number().min(0).optional(),
});
export type OauthSettings = z.input<typeof oauthSettings>;

export const chooseQuery = z.object({
  response_type: z.literal("code"),
  client_id: z.string().min(1),
  redirect_uri: z.url(),
  scope: z.string().min(1),
  state: z.string().optional(),
});

/** `GetAccessCodebodyDto` */
export const tokenForm = z.strictObject({
  client_id: z.string(),
  client_secret: z.string(),
  grant_type: z.enum(["authorization_code", "refresh_token", "client_credentials"]),
  code: z.string().optional(),
  refresh_token: z.string().optional(),
  user_type: z.enum(["Company", "Location"]).optional(),
  redirect_uri: z.string().optional(),
});
export const locationTokenForm = z.strictObject({ companyId: z.string(), locationId: z.string() });
export type TokenForm = z.output<typeof tokenForm>;
