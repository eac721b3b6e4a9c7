import type { Channel, EventType } from "../model.ts";
import type { Conversation, DeliveryEvent, Message } from "../store/schema.ts";

/** What an event is about. */
export interface EventSubject {
  event: DeliveryEvent;
  locationId: string;
  /** The message, as far as it is about one, with the person's conversation. */
  about?: { message: Message; conversation: Conversation } | undefined;
  mapping?: { id: string; provider: string; channel: Channel; address: string } | undefined;
}

/** What is posted: the form that Standard Webhooks recommends. What there is none of is missing. */
export interface EventBody {
  type: EventType | "endpoint.test";
  /** When it happened. */
  timestamp: string;
  data: Record<string, unknown>;
}

/** The text of a message goes along when it is received alone: of what failed the ids, and the reason, tell enough. */
export function composeEvent({ event, locationId, about, mapping }: EventSubject): EventBody {
  const { type, at, data } = event;
  return {
    type,
    timestamp: at,
    data: withoutNothing({
      locationId,
      ...(about ? describeMessage(about) : {}),
      ...(mapping
        ? {
            mappingId: mapping.id,
            provider: mapping.provider,
            channel: mapping.channel,
            mappedAddress: mapping.address,
          }
        : {}),
      ...(about && type === "message.received" ? describeContent(about.message) : {}),
      ...data,
    }),
  };
}

function describeMessage({ message, conversation }: { message: Message; conversation: Conversation }) {
  const { id: messageId, direction, origin, providerMessageId, rfcMessageId } = message;
  const { highlevelMessageId, highlevelEmailMessageId, automatic } = message;
  const { highlevelContactId, highlevelConversationId, mappingId } = conversation;
  // Without a mapping the address is none, but the contact's id.
  // A mailbox as the person spells it; a number as it is today, by whichever they wrote.
  const spelled = conversation.address.includes("@") ? conversation.spelling : null;
  const address = mappingId === null ? undefined : (spelled ?? conversation.address);
  return {
    ...{ messageId, direction, origin, address, providerMessageId, rfcMessageId, automatic },
    ...{ highlevelContactId, highlevelConversationId, highlevelMessageId, highlevelEmailMessageId },
    receivedAt: message.receivedAt.toISOString(),
  };
}

function describeContent({ content, sentAt }: Message) {
  const { fromName, subject, text, html, call, attachments = [] } = content ?? {};
  const files = attachments.map(({ url, name, contentType, sizeBytes }) =>
    withoutNothing({ url, name, contentType, sizeBytes }),
  );
  const told = call && withoutNothing({ status: call.status, durationSeconds: call.durationSeconds });
  return { fromName, subject, text, html, call: told, attachments: files, sentAt: sentAt?.toISOString() };
}

function withoutNothing(data: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined && value !== null));
}
