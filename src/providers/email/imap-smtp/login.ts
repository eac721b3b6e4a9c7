import { z } from "zod";
import type { TokenGrant } from "../../../calls/call-api.ts";
import { type Credentials, printable, requireCredential, secret, setting, shape } from "../../kit/credentials.ts";
import { basic } from "../../kit/proofs.ts";

export const oneLine = shape(/^[^\p{Cc}]+$/u, "must stand on one line");
const tokenUrl = shape(
  (value) => /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1)[:/])/.test(value) && z.url().safeParse(value).success,
  "must be a URL that begins with https://",
);

/** How the bridge logs in. */
export const loginFields = {
  password: secret(
    "Password",
    "The mailbox's; where it has a second factor (Gmail, Zoho), an app password. Either it, or a token URL with what follows.",
    oneLine,
  ),
  tokenUrl: setting(
    "Token URL",
    "For OAuth 2.0 instead of a password, as Microsoft 365 demands: https://login.microsoftonline.com/{tenant id}/oauth2/v2.0/token, or https://oauth2.googleapis.com/token.",
    tokenUrl,
  ),
  clientId: setting("Client id", "Of the app that is registered there.", printable),
  clientSecret: secret("Client secret", "Of the app.", printable),
  refreshToken: secret(
    "Refresh token",
    "Which the mailbox's owner gave the app (Google). Without one the app logs in for itself (Microsoft 365: its application permissions IMAP.AccessAsApp and SMTP.SendAsApp, and its rights to the mailbox).",
    printable,
  ),
  scope: setting("Scope", "Microsoft 365: https://outlook.office365.com/.default. Google needs none.", oneLine),
};

/** By a password, or by OAuth 2.0: by what an app was given, or by what somebody gave the app. */
export interface Login {
  password?: string | undefined;
  tokenUrl?: string | undefined;
  clientId?: string | undefined;
  clientSecret?: string | undefined;
  refreshToken?: string | undefined;
  scope?: string | undefined;
}

/** Where a call goes, and who logs in. */
export interface MailPlace {
  url: string;
  headers: Record<string, string>;
  grant?: TokenGrant;
}

/** The user of a token stands in the URL: https://developers.google.com/workspace/gmail/imap/xoauth2-protocol */
export function logInAs(user: string, { password, ...app }: Login, url: string): MailPlace {
  if (app.tokenUrl === undefined) return { url, headers: basic(user, requireCredential(password, "password")) };
  const { tokenUrl, refreshToken, scope } = app;
  const client = {
    clientId: requireCredential(app.clientId, "clientId"),
    clientSecret: requireCredential(app.clientSecret, "clientSecret"),
  };
  const grant = { url: tokenUrl, ...client, refreshToken, scope, isInForm: true as const };
  return { url: url.replace("://", `://${encodeURIComponent(user)}@`), headers: {}, grant };
}

const isWhole = ({ password, tokenUrl, clientId, clientSecret, refreshToken, scope }: Login) =>
  tokenUrl === undefined
    ? password !== undefined && [clientId, clientSecret, refreshToken, scope].every((each) => each === undefined)
    : password === undefined && clientId !== undefined && clientSecret !== undefined;

/** With one of both ways to log in. */
export function requireLogin<Given extends Login, Sending>(whole: Credentials<Given, Sending>): typeof whole {
  const error = "must be there, or else tokenUrl with clientId and clientSecret: how the bridge is to log in";
  return { ...whole, schema: whole.schema.refine(isWhole, { path: ["password"], error }) };
}
