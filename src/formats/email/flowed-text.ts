/**
 * Lines of `format=flowed` put together, https://www.rfc-editor.org/rfc/rfc3676#section-4: one that ends in a blank goes on
 * in the next one of the same quote.
 */
export function joinFlowed(text: string, deletesSpace: boolean): string {
  const joined: string[] = [];
  let open: { depth: number; pieces: string[] } | undefined;
  const close = () => {
    if (open) joined.push(quoteOf(open.depth) + open.pieces.join(""));
    open = undefined;
  };
  for (const line of text.split("\n")) {
    const depth = /^>*/.exec(line)?.[0].length ?? 0;
    const content = line.slice(depth).replace(/^ /, "");
    if (open?.depth !== depth || content === "-- ") close();
    const isFlowed = content.endsWith(" ") && content !== "-- ";
    open ??= { depth, pieces: [] };
    open.pieces.push(isFlowed && deletesSpace ? content.slice(0, -1) : content);
    if (!isFlowed) close();
  }
  close();
  return joined.join("\n");
}

const quoteOf = (depth: number) => (depth === 0 ? "" : `${">".repeat(depth)} `);
