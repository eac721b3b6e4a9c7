import type { ListedMail } from "../../calls/mail/imap.ts";
import { verifiedByHeader } from "../../providers/kit/decode.ts";
import { mailboxUidHeader, unreadMailHeader } from "../../providers/kit/email/cut.ts";
import type { NewWebhook } from "../../store/webhooks.ts";

export const batch = { rows: 50, bytes: 8_000_000 };

/** A mail, or its beginning. */
export interface ReadMail {
  uid: number;
  raw: Buffer;
  /** Of the whole. Some servers only guess it. */
  sizeBytes: number;
  /** Why there is nothing of it. */
  unread?: string;
}

/** Mails in their order, so many as are read and stored together; one that is too large alone. */
export function batchesOf(listed: ListedMail[], maxBytes: number): ListedMail[][] {
  const batches: ListedMail[][] = [];
  let bytes = 0;
  let isLarge = false;
  for (const mail of listed) {
    const sizeBytes = Math.min(mail.sizeBytes, maxBytes);
    const last = mail.sizeBytes > maxBytes || isLarge ? undefined : batches.at(-1);
    isLarge = mail.sizeBytes > maxBytes;
    if (last && last.length < batch.rows && bytes + sizeBytes <= batch.bytes) {
      last.push(mail);
      bytes += sizeBytes;
    } else {
      batches.push([mail]);
      bytes = sizeBytes;
    }
  }
  return batches;
}

/** A mail as the webhook that nobody posted. Of one that is too large its beginning, as of a webhook that is. */
export function mailWebhook(
  about: { publicUrl: string; accountId: string; uidValidity: number; verifiedBy?: string | undefined },
  { uid, raw, sizeBytes, unread }: ReadMail,
): NewWebhook {
  const { publicUrl, accountId, uidValidity, verifiedBy } = about;
  return {
    ...{ accountId, source: "provider", url: `${publicUrl}/webhooks/${accountId}` },
    headers: {
      ...{ "content-type": "message/rfc822", [mailboxUidHeader]: `${uidValidity}:${uid}` },
      ...(verifiedBy === undefined ? {} : { [verifiedByHeader]: verifiedBy }),
      ...(unread === undefined ? {} : { [unreadMailHeader]: unread }),
      ...(sizeBytes > raw.length ? { "content-length": String(sizeBytes) } : {}),
    },
    body: raw,
  };
}
