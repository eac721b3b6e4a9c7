import type { Answer, Judge, Post } from "./highlevel.ts";

/** A text that somebody has sent, and what is known of it. */
interface Sent {
  altId: string;
  /** Whose line it stands in: of this person, to this mapping, which is another one after each move, also back. */
  line: string;
  locationId: string;
  conversationId: string;
  state: "owed" | "taken" | "refused";
}

/**
 * What must have come of everything so far, kept in memory: each text once, in the order in which they came, where it
 * belongs. One that was refused lets others pass, and may come later, when it is replayed.
 */
export function createModel() {
  const sent: Sent[] = [];

  const receive = (text: Omit<Sent, "state">) => {
    if (!sent.some(({ altId }) => altId === text.altId)) sent.push({ ...text, state: "owed" });
  };

  const judge: Judge = (post: Post, answer: Answer) => {
    const text = sent.find(({ altId }) => altId === post.altId);
    if (!text) throw new Misdeed(`${post.altId} was posted, and nobody has sent it`);
    const isPlaced = post.locationId === text.locationId && post.conversationId === text.conversationId;
    if (!isPlaced) throw new Misdeed(`${post.altId} is misplaced: in ${post.locationId}, ${post.conversationId}`);
    const before = sent.slice(0, sent.indexOf(text)).find(({ line, state }) => line === text.line && state === "owed");
    if (before) throw new Misdeed(`${post.altId} is out of order: ${before.altId} came before it`);
    if (text.state === "taken") throw new Misdeed(`${post.altId} is doubled`);
    if (answer === "refused") text.state = "refused";
    if (["taken", "lost", "late", "dies after"].includes(answer)) text.state = "taken";
  };

  return { receive, judge, owed: () => sent.filter(({ state }) => state === "owed").map(({ altId }) => altId), sent };
}

/** What the bridge must never do. */
export class Misdeed extends Error {
  override name = "Misdeed";
}
