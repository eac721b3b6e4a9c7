import type { FetchedMailbox } from "../../kit/adapter.ts";
import { type Login, logInAs, type MailPlace } from "./login.ts";

type Security = "tls" | "starttls";

interface Given extends Login {
  imapHost: string;
  imapPort?: string | undefined;
  imapSecurity?: Security | undefined;
  folder?: string | undefined;
  user: string;
}

interface Sending extends Given {
  smtpHost: string;
  smtpPort?: string | undefined;
  smtpSecurity?: Security | undefined;
  smtpUser?: string | undefined;
  smtpPassword?: string | undefined;
}

/** What is fetched. */
export const mailboxOf = (given: Given & Pick<FetchedMailbox, "moveTo" | "verifiedBy">): FetchedMailbox => {
  return { ...imapPlace(given), moveTo: given.moveTo, verifiedBy: given.verifiedBy };
};

/** A folder of the mailbox. */
export function imapPlace(given: Given, folder = given.folder ?? "INBOX"): MailPlace {
  const { imapHost, imapPort, imapSecurity, user } = given;
  const url = `${imapSecurity === "starttls" ? "imap" : "imaps"}://${place(imapHost, imapPort)}`;
  return logInAs(user, given, `${url}/${encodeURIComponent(folder)}`);
}

export function smtpPlace(given: Sending): MailPlace {
  const { smtpHost, smtpPort, smtpSecurity, user, smtpUser = user, smtpPassword } = given;
  const url = `${smtpSecurity === "starttls" ? "smtp" : "smtps"}://${place(smtpHost, smtpPort)}/`;
  return logInAs(smtpUser, smtpPassword === undefined ? given : { password: smtpPassword }, url);
}

const place = (host: string, port: string | undefined) => (port === undefined ? host : `${host}:${port}`);
