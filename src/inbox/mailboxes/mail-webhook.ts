import type { ListedMail } from "../../calls/mail/imap.ts";
import { headersAlone } from "../../formats/email/headers-alone.ts";
import { verifiedByHeader } from "../../providers/kit/decode.ts";
import type { NewWebhook } from "../../store/webhooks.ts";

const batch = { rows: 50, bytes: 8_000_000 };

/** A mail, or its beginning. */
export interface ReadMail {
  uid: number;
  raw: Buffer;
  /** Of the whole. Some servers only guess it. */
  sizeBytes: number;
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

/** A mail as the webhook that nobody posted. Of one that is too large its headers, and words that say so. */
export function mailWebhook(
  about: {
    publicUrl: string;
    accountId: string;
    uidValidity: number;
    maxBytes: number;
    verifiedBy?: string | undefined;
  },
  { uid, raw, sizeBytes }: ReadMail,
): NewWebhook {
  const { publicUrl, accountId, uidValidity, maxBytes, verifiedBy } = about;
  const isWhole = raw.length < maxBytes || sizeBytes <= maxBytes;
  const megabytes = Math.ceil(sizeBytes / 1_000_000);
  const words = `[The email is too large to be shown (${megabytes} MB): it is in the mailbox, with what is attached to it.]`;
  return {
    ...{ accountId, source: "provider", url: `${publicUrl}/webhooks/${accountId}` },
    headers: {
      ...{ "content-type": "message/rfc822", "x-mailbox-uid": `${uidValidity}:${uid}` },
      ...(verifiedBy === undefined ? {} : { [verifiedByHeader]: verifiedBy }),
    },
    body: isWhole ? raw : headersAlone(raw, words),
  };
}
