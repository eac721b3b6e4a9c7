import type { FetchedMailbox } from "../../kit/adapter.ts";
import { basic } from "../../kit/proofs.ts";

type Security = "tls" | "starttls";

interface Given {
  imapHost: string;
  imapPort?: string | undefined;
  imapSecurity?: Security | undefined;
  folder?: string | undefined;
  user: string;
  password: string;
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

/** Where a call goes, and who logs in. */
export interface MailPlace {
  url: string;
  headers: Record<string, string>;
}

/** A folder of the mailbox. */
export function imapPlace(given: Given, folder = given.folder ?? "INBOX"): MailPlace {
  const { imapHost, imapPort, imapSecurity, user, password } = given;
  const url = `${imapSecurity === "starttls" ? "imap" : "imaps"}://${place(imapHost, imapPort)}`;
  return { url: `${url}/${encodeURIComponent(folder)}`, headers: basic(user, password) };
}

export function smtpPlace(given: Sending): MailPlace {
  const { smtpHost, smtpPort, smtpSecurity, user, smtpUser = user, password, smtpPassword = password } = given;
  const url = `${smtpSecurity === "starttls" ? "smtp" : "smtps"}://${place(smtpHost, smtpPort)}/`;
  return { url, headers: basic(smtpUser, smtpPassword) };
}

const place = (host: string, port: string | undefined) => (port === undefined ? host : `${host}:${port}`);
