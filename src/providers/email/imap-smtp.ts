import type { OutgoingMail } from "../../calls/mail/outgoing-mail.ts";
import { readAuthenticationResults } from "../../formats/email/authentication-results.ts";
import { readParts } from "../../formats/email/mime-parts.ts";
import { allOf, findHeader, type MailHeader } from "../../formats/mail-headers.ts";
import { addressesOf } from "../../formats/mailbox.ts";
import { outgoingHeaders } from "../../formats/outgoing-mail.ts";
import type { OutboundMessage } from "../../model.ts";
import { mailboxChecks } from "../checks/mailbox/imap-smtp.ts";
import { choice, credentials, secret, setting, shape } from "../kit/credentials.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { openRaw, rawMail } from "../kit/email/mails.ts";
import { byName, filesOf } from "../kit/email/outgoing.ts";
import { basicAuth } from "../kit/proofs.ts";
import { answerOf, post, refusalAt, rfcMessageIdAt } from "../kit/sends.ts";
import { loginFields, oneLine, requireLogin } from "./imap-smtp/login.ts";
import { mailboxOf, smtpPlace } from "./imap-smtp/places.ts";

const host = shape(/^[a-z\d-]+(?:\.[a-z\d-]+)*$/i, "must be the name of a host, such as mail.example.com");
const port = shape(/^[1-9]\d{0,4}$/, "must be the number of a port");
const folder = shape(/^[^\p{Cc}%*]{1,200}$/u, "must be a folder's name, without % and *");
const user = shape(/^[^:\p{Cc}]+$/u, "must hold no colon");

/**
 * Any mailbox, by IMAP (https://www.rfc-editor.org/rfc/rfc9051) and SMTP (https://www.rfc-editor.org/rfc/rfc5321): the
 * bridge fetches what came, and nobody posts it. What its servers report of an email comes as mail.
 */
export const imapSmtp = defineProvider({
  label: "IMAP and SMTP",
  channel: "email",
  credentials: requireLogin(
    credentials({
      always: {
        imapHost: setting("IMAP host", "Such as imap.zoho.com, outlook.office365.com or imap.gmail.com.", host),
        user: setting("User", "Mostly the mailbox's address.", user),
      },
      toSend: { smtpHost: setting("SMTP host", "Such as smtp.zoho.com, smtp.office365.com or smtp.gmail.com.", host) },
      ifWanted: {
        ...loginFields,
        imapPort: setting("IMAP port", "993 where it is not given.", port),
        imapSecurity: choice(
          "IMAP security",
          "TLS at once, or STARTTLS, as is usual at port 143; tls where it is not given.",
          ["tls", "starttls"],
        ),
        folder: setting("Folder", "Where mail comes in; INBOX where it is not given.", folder),
        verifiedBy: setting(
          "Server that verifies mail",
          "Which writes `Authentication-Results`, by the name that stands first in it, such as mx.google.com: what it found of SPF, DKIM and DMARC is kept. Name only one that takes out what others wrote in its name.",
          host,
        ),
        moveTo: setting(
          "Folder for what was fetched",
          "Mail is moved there; without it, it is left where it is.",
          folder,
        ),
        smtpPort: setting("SMTP port", "465, or with STARTTLS 587, where it is not given.", port),
        smtpSecurity: choice(
          "SMTP security",
          "TLS at once, or STARTTLS, as is usual at port 587; tls where it is not given.",
          ["tls", "starttls"],
        ),
        smtpUser: setting("SMTP user", "Where it is another one.", user),
        smtpPassword: secret("SMTP password", "Where it is another one.", oneLine),
      },
    }),
  ),
  pasteAt:
    "nowhere: the bridge fetches the mail itself, from the time on at which the account was registered. Whoever has the mailbox's user and password, and could put mail into it, can also post a whole mail to the URL with them; by OAuth nobody can",
  notes: [
    "Connections go by TLS alone, with a certificate that is the host's. A host whose address is not public must be named by `ALLOWED_PRIVATE_HOSTS`, with its port.",
    "Mail is left unread. Of one that is larger than `EMAIL_BODY_LIMIT_KB` so much is fetched, and posted with words that say so; the whole stays where it is.",
    "There are no receipts but what mail servers report of emails that they could not deliver, and complaints that mail providers hand on, such as those of a feedback loop to this mailbox.",
  ],
  receives: {
    contentTypes: ["message/rfc822"],
    proof: basicAuth({ pair: ({ user: name, password = "" }) => [name, password] }),
    mailbox: mailboxOf,
    read: ({ body, verifiedBy }) => readMail(body, verifiedBy),
    files: ({ body }) => openRaw(body),
  },
  sends: {
    request: (message, given) => {
      const { url, headers, grant } = smtpPlace(given);
      return { ...post(url, headers, compose(message)), ...(grant ? { grant } : {}) };
    },
    answer: answerOf({
      ...rfcMessageIdAt("messageId"),
      refused: refusalAt({ code: "code", message: "message" }),
    }),
    receiptsLackReference: true,
  },
  checks: mailboxChecks,
});

async function readMail(raw: Buffer, verifiedBy: string | undefined) {
  const { headers } = readParts(raw);
  const verdicts = verifiedBy === undefined ? {} : readAuthenticationResults(headers, verifiedBy);
  return rawMail(raw, { to: receiverOf(headers), verdicts });
}

/** Servers write down which mailbox an email was for before they followed an alias. */
const receiverHeaders = ["x-original-to", "envelope-to", "x-envelope-to"];

/**
 * The mailbox of the envelope. Which of its aliases somebody wrote to only To tells: the mailbox itself counts where nobody
 * of its domain is named, as in a blind copy.
 */
function receiverOf(headers: MailHeader[]): string | undefined {
  const named = receiverHeaders.map((name) => findHeader(headers, name)).find((value) => value !== undefined);
  if (named !== undefined) return named;
  const [mailbox = ""] = addressesOf(findHeader(headers, "delivered-to"));
  const others = addressesOf(["to", "cc"].map((name) => allOf(headers, name) ?? "").join(", "));
  return others.some((each) => domainOf(each) === domainOf(mailbox)) ? undefined : mailbox;
}

const domainOf = (address: string) => address.slice(address.lastIndexOf("@") + 1);

function compose(message: OutboundMessage): OutgoingMail {
  const { from: address, fromName: name, to, cc, bcc, replyTo, subject, text, html } = message;
  return {
    from: { address, name },
    ...{ to, cc, bcc, replyTo, subject, text, html },
    ...{ headers: byName(outgoingHeaders(message)), attachments: filesOf(message) },
  };
}
