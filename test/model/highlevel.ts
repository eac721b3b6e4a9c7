import { Failure, type FailureReason } from "../../src/errors.ts";
import type { Highlevel, InboundPost } from "../../src/highlevel/client.ts";

/** How HighLevel answers a post. */
export const answers = [
  "taken",
  "refused",
  /** Nothing is sent, as nobody can be reached. */
  "away",
  /** It is taken, and the answer is lost. */
  "lost",
  /** It is not taken, and nobody can know. */
  "unheard",
  /** It is taken, and answered only when the test says so. */
  "late",
  /** The process dies: after it was taken, or before. */
  "dies after",
  "dies before",
] as const;
export type Answer = (typeof answers)[number];

export interface Post {
  locationId: string;
  conversationId: string;
  altId: string;
}

/** Told of each post before it is answered; throws where it must not have been made. */
export type Judge = (post: Post, answer: Answer) => void;

/** HighLevel as far as inbound texts need it, in memory: what it has taken can be listed. */
export function createModelHighlevel(judge: Judge) {
  const taken: Post[] = [];
  return {
    taken,
    /** What a process calls whose next posts are answered so, and well from then on. `onHang`: it waits for an answer. */
    calledBy(script: { next(): Answer; onHang(answer: (() => void) | undefined): void }): Highlevel {
      const accept = (post: Post) => {
        taken.push(post);
        return { status: 201, messageId: `m ${taken.length}`, ...nothingElse };
      };
      const answered: Record<Answer, (post: Post) => unknown> = {
        taken: accept,
        refused: () => fail("rejected"),
        away: () => fail("unreachable"),
        unheard: () => fail("outcome_unknown"),
        lost: (post) => [accept(post), fail("outcome_unknown")],
        late: async (post) => {
          const accepted = accept(post);
          await new Promise<void>((resolve) => script.onHang(resolve));
          return accepted;
        },
        "dies after": (post) => [accept(post), hang(script.onHang)][1],
        "dies before": () => hang(script.onHang),
      };
      const postInbound = async ({ locationId }: { locationId: string }, body: InboundPost) => {
        const post = {
          locationId,
          conversationId: body.conversationId ?? "",
          altId: (body.altId ?? "").replace(/#+$/, ""),
        };
        const answer = script.next();
        judge(post, answer);
        return answered[answer](post);
      };
      const known = {
        postInbound,
        ensureContact: async ({ locationId }: { locationId: string }, { phone }: { phone: string }) =>
          `${locationId} ${phone}`,
        ensureConversation: async (_access: unknown, contactId: string) => `conversation of ${contactId}`,
        listMessages: async (_access: unknown, conversationId: string) => ({
          messages: taken
            .filter((post) => post.conversationId === conversationId)
            .map(({ altId }, index) => ({ id: `m ${index}`, altId, direction: "inbound" }))
            .reverse(),
          nextPage: false,
          lastMessageId: undefined,
        }),
      };
      return known as unknown as Highlevel;
    },
  };
}

const nothingElse = { conversationId: undefined, contactId: undefined, emailMessageId: undefined };

function fail(reason: FailureReason): never {
  throw new Failure(reason, "as the test says");
}

function hang(onHang: (answer: undefined) => void): Promise<never> {
  onHang(undefined);
  return new Promise(() => undefined);
}
