/** A mail's headers, with other words than it has. */
export function headersAlone(raw: Buffer, words: string): Buffer {
  const head = raw.toString("latin1", 0, maxHeadBytes);
  const end = /\r?\n\r?\n/.exec(head)?.index ?? head.length;
  const kept = head.slice(0, end).replace(/^(?:content-[\w-]+|mime-version):.*(?:\r?\n[ \t].*)*(?:\r?\n|$)/gim, "");
  const about = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8";
  return Buffer.concat([Buffer.from(`${kept.trimEnd()}\r\n${about}\r\n\r\n`, "latin1"), Buffer.from(`${words}\r\n`)]);
}

const maxHeadBytes = 200_000;
