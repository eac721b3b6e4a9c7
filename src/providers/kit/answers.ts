import type { z } from "zod";
import type { ApiAnswer } from "../../calls/call-api.ts";
import type { MessageError, OutboundMessage, SentMessage } from "../../model.ts";

/** How a provider's answers to a send are read. */
export interface AnswerReader {
  /** What a success says; undefined when it lacks what it must carry. */
  sent(answer: ApiAnswer, message: OutboundMessage): SentMessage | undefined;
  /** The provider's code and words in a refusal; undefined when the body is none. */
  refused(body: unknown): MessageError | undefined;
  /** Are some refusals answered with a 2xx? */
  refusesWithin200?: true;
}

/** Reads answers by what their bodies hold. A body that fits `taken` is a success, also when it reads as a refusal, too. */
export function answerOf<Taken>(reading: {
  taken: z.ZodType<Taken>;
  sent(taken: Taken, message: OutboundMessage): SentMessage;
  refused: z.ZodType<MessageError>;
  refusesWithin200?: true;
}): AnswerReader {
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
