import { z } from "zod";
import type { ApiAnswer, ApiRequest } from "../../calls/call-api.ts";
import type { MessageError, OutboundMessage, SentMessage } from "../../model.ts";
import { rfcMessageId } from "./email/mail-fields.ts";
import { at, code, messageId, requiredText } from "./fields.ts";

/** How a provider is asked to send, and how its answers are read. */

/** The one call that sends: a form, or anything else as JSON. */
export const post = (url: string, headers: Record<string, string>, body: ApiRequest["body"]): ApiRequest => {
  return { method: "POST", url, headers, body };
};

export interface AnswerReader {
  /** What a success says; undefined when it lacks what it must carry. */
  sent(answer: ApiAnswer, message: OutboundMessage): SentMessage | undefined;
  /** The provider's code and words in a refusal; undefined when the body is none. */
  refused(body: unknown): MessageError | undefined;
  /** Are some refusals answered with a 2xx? */
  refusesWithin200?: true;
  /** Does a 500 that holds a refusal refuse? Elsewhere nobody knows after one what became of the message. */
  refusesWithin500?: true;
}

/** What is read of a success, and what that means. */
interface Success<Taken> {
  taken: z.ZodType<Taken>;
  sent(taken: Taken, message: OutboundMessage): SentMessage;
}

/** Reads answers by what their bodies hold. A body that fits `taken` is a success, also when it reads as a refusal, too. */
export function answerOf<Taken>(
  reading: Success<Taken> & { refused: z.ZodType<MessageError>; refusesWithin200?: true },
): AnswerReader {
  const { taken, sent, refused, refusesWithin200 } = reading;
  return {
    sent: ({ body }, message) => {
      const parsed = taken.safeParse(body);
      return parsed.success ? sent(parsed.data, message) : undefined;
    },
    refused: (body) => refused.safeParse(body).data,
    ...(refusesWithin200 ? { refusesWithin200 } : {}),
  };
}

/** A success of which no more is read than the provider's id of the message, at this path. */
export function idAt(path: string): Success<string> {
  return { taken: at(path, messageId), sent: (id) => ({ providerMessageId: id }) };
}

/** The same of a provider that knows an email by its Message-ID, be it ours or one of its own. */
export function rfcMessageIdAt(path: string): Success<string> {
  return {
    taken: at(path, rfcMessageId),
    sent: (id, { rfcMessageId: ours }) => ({ providerMessageId: id, rfcMessageId: id === ours ? undefined : id }),
  };
}

/** The same of one that says its id in a header, and nothing in the body. */
export function sentByHeader({ headers }: ApiAnswer, name: string): SentMessage | undefined {
  const id = messageId.safeParse(headers[name]).data;
  return id === undefined ? undefined : { providerMessageId: id };
}

/** A refusal by its words and its code, which stand at these paths; where it has no code that is `refused`. */
export function refusalAt(paths: { message: string; code?: string }): z.ZodType<MessageError> {
  const words = at(paths.message, requiredText);
  const word = at(paths.code ?? "code", code);
  return z.unknown().transform((body, context) => {
    const message = words.safeParse(body).data;
    if (message === undefined) context.addIssue("is no refusal");
    return { code: word.safeParse(body).data ?? "refused", message: message ?? "" };
  });
}

/** Words, and below them as links the files that a message cannot carry along; empty where there is neither. */
export const withLinks = (words: string | undefined, files: readonly { url: string }[]) =>
  [words, ...files.map(({ url }) => url)].filter(Boolean).join("\n");

/** A number as those write it that leave the plus away; anything else as it is. */
export const withoutPlus = (address: string) => address.replace(/^\+(?=[1-9]\d{6})/, "");
