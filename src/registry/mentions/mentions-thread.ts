import { serveThread } from "../../concurrency/serve-thread.ts";
import { findInline, type Search } from "./find-mentions.ts";

/** What the thread of `createMentions` runs. */
serveThread((search: Search) => findInline(search));
