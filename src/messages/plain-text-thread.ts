import { convert } from "html-to-text";
import { serveThread } from "../concurrency/serve-thread.ts";

/** What the thread of `createPlainText` runs. */
serveThread((html: string) => convert(html, { wordwrap: false, limits: { maxInputLength: 1_000_000 } }));
