import type { DmarcPolicy, Verdicts } from "../../model.ts";

interface Judged {
  verdicts?: Verdicts | undefined;
}

/** Its provider, or the mailbox's own server, says that the domain which it names as its sender has not sent it. */
export const failsDmarc = ({ verdicts }: Judged): boolean => verdicts?.dmarc === "fail";

/** For whoever looks at a held email: why it is held, and what lets it go. */
export const dmarcDetail =
  "its provider says that it fails DMARC, so that it may be from somebody else, and the mapping's dmarcFailures is hold: " +
  "once somebody has looked, a replay posts it";

/** What stands above an email that fails, where the mapping marks such. */
export function markOf(
  { dmarcFailures = "post" }: { dmarcFailures?: DmarcPolicy },
  content: Judged,
): string | undefined {
  const isMarked = dmarcFailures !== "post" && failsDmarc(content);
  return isMarked ? "[Not verified: this email fails DMARC. It may be from somebody else.]" : undefined;
}
