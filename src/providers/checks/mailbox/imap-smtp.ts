import { z } from "zod";
import { Failure } from "../../../errors.ts";
import type { Finding } from "../../../model.ts";
import { imapPlace, smtpPlace } from "../../email/imap-smtp/places.ts";
import { failure, ok, warning } from "../../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../../kit/checks/run-checks.ts";

type Credentials = Parameters<typeof smtpPlace>[0] & { moveTo?: string | undefined };

const opened = z.object({ uidNext: z.number() });
const loggedIn = z.object({ isLoggedIn: z.literal(true) });

/** Both servers are logged in at, and the folders looked for. */
export const mailboxChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: ({ credentials, ask }) => findFolder(credentials, ask) },
  { check: "moveTo", find: ({ credentials, ask }) => findTarget(credentials, ask) },
  { check: "sending", find: ({ credentials, ask }) => findSmtp(credentials, ask) },
];

async function findFolder(credentials: Credentials, ask: Ask): Promise<Finding[]> {
  const { imapHost, folder = "INBOX" } = credentials;
  const isThere = await isFolder(credentials, ask, folder);
  const taken = ok("credentials", `${imapHost} takes the login`);
  if (isThere) return [taken, ok("folder", `the folder ${folder} is there`)];
  const advice = "change the credentials: the folder as the server spells it";
  return [taken, failure("folder", `there is no folder ${folder}: no mail arrives`, advice)];
}

async function findTarget(credentials: Credentials, ask: Ask): Promise<Finding[]> {
  const { moveTo } = credentials;
  if (moveTo === undefined) return [];
  if (await isFolder(credentials, ask, moveTo)) return [ok("moveTo", `the folder ${moveTo} is there`)];
  const advice = "nothing, if it is spelled as meant: it is made when the first mail is moved";
  return [warning("moveTo", `there is no folder ${moveTo} yet`, advice)];
}

async function isFolder(credentials: Credentials, ask: Ask, folder: string): Promise<boolean> {
  return ask({ method: "GET", ...imapPlace(credentials, folder) }, opened).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Failure && error.status === 404) return false;
      throw error;
    },
  );
}

async function findSmtp(credentials: Credentials, ask: Ask): Promise<Finding[]> {
  const { smtpHost } = credentials;
  try {
    await ask({ method: "GET", ...smtpPlace(credentials) }, loggedIn);
    return [ok("sending", `${smtpHost} takes the login`)];
  } catch (error) {
    if (!(error instanceof Failure) || error.status !== 401) throw error;
    const advice = "see whether sending by SMTP is allowed there, and whether it takes another user or password";
    return [failure("sending", `${smtpHost} refuses the login, and nothing can be sent: ${error.message}`, advice)];
  }
}
