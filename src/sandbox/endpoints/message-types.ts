import type { State, StoredMessage } from "../state.ts";

const toTypes = (words: string) => words.split(" ").map((word) => `TYPE_${word}`);

/** Of messages. */
export const messageTypes = toTypes(
  "CALL SMS RCS EMAIL SMS_REVIEW_REQUEST WEBCHAT SMS_NO_SHOW_REQUEST CAMPAIGN_SMS CAMPAIGN_CALL " +
    "CAMPAIGN_EMAIL CAMPAIGN_VOICEMAIL FACEBOOK CAMPAIGN_FACEBOOK CAMPAIGN_MANUAL_CALL " +
    "CAMPAIGN_MANUAL_SMS GMB CAMPAIGN_GMB REVIEW INSTAGRAM WHATSAPP CUSTOM_SMS CUSTOM_EMAIL " +
    "CUSTOM_PROVIDER_SMS CUSTOM_PROVIDER_EMAIL IVR_CALL ACTIVITY_CONTACT ACTIVITY_INVOICE " +
    "ACTIVITY_PAYMENT ACTIVITY_OPPORTUNITY LIVE_CHAT LIVE_CHAT_INFO_MESSAGE ACTIVITY_APPOINTMENT " +
    "FACEBOOK_COMMENT INSTAGRAM_COMMENT CUSTOM_CALL INTERNAL_COMMENT ACTIVITY_EMPLOYEE_ACTION_LOG TIKTOK " +
    "TIKTOK_COMMENT ACTIVITY_WHATSAPP FORM_SUBMISSION SMS_REACTION",
);

/** By which a conversation's messages are asked for. */
export const listedTypes = toTypes(
  "CALL SMS RCS EMAIL FACEBOOK GMB INSTAGRAM WHATSAPP ACTIVITY_APPOINTMENT ACTIVITY_CONTACT " +
    "ACTIVITY_INVOICE ACTIVITY_PAYMENT ACTIVITY_OPPORTUNITY LIVE_CHAT INTERNAL_COMMENTS " +
    "ACTIVITY_EMPLOYEE_ACTION_LOG TIKTOK ACTIVITY_WHATSAPP FORM_SUBMISSION",
);

interface Kind {
  type: number;
  messageType: string;
}
const kind = (type: number, messageType: string): Kind => ({ type, messageType });

/** The numbers are the places of the words in HighLevel's list; 1, 2, 3, 10, 19, 22 and 34 are documented or were seen. */
const kinds: Record<string, Kind> = {
  Call: kind(1, "TYPE_CALL"),
  SMS: kind(2, "TYPE_SMS"),
  Email: kind(3, "TYPE_EMAIL"),
  WebChat: kind(5, "TYPE_WEBCHAT"),
  FB: kind(11, "TYPE_FACEBOOK"),
  GMB: kind(15, "TYPE_GMB"),
  IG: kind(18, "TYPE_INSTAGRAM"),
  WhatsApp: kind(19, "TYPE_WHATSAPP"),
  Live_Chat: kind(29, "TYPE_LIVE_CHAT"),
  InternalComment: kind(35, "TYPE_INTERNAL_COMMENT"),
  TIKTOK: kind(37, "TYPE_TIKTOK"),
  // Newer than the numbers; a text's, as nobody has published its own.
  RCS: kind(2, "TYPE_RCS"),
};

/** What came through an extra provider, and what was sent by one. */
const extraKinds = {
  inbound: { sms: kind(22, "TYPE_CUSTOM_PROVIDER_SMS"), email: kind(23, "TYPE_CUSTOM_PROVIDER_EMAIL") },
  outbound: { sms: kind(20, "TYPE_CUSTOM_SMS"), email: kind(21, "TYPE_CUSTOM_EMAIL") },
  call: kind(34, "TYPE_CUSTOM_CALL"),
};

/** The number and the word by which a message is shown. */
export function kindOf(state: State, { locationId, type, direction, conversationProviderId }: StoredMessage): Kind {
  const providers = state.locations.get(locationId)?.providers ?? [];
  const provider = providers.find(({ id }) => id === conversationProviderId);
  if (provider?.channel === "call") return extraKinds.call;
  // What else an extra provider sends, such as WhatsApp, has a word of its own.
  const isPlain = ["SMS", "Email", "Custom"].includes(type);
  if (provider?.extra && isPlain) return extraKinds[direction === "inbound" ? "inbound" : "outbound"][provider.channel];
  return kinds[type] ?? kind(2, "TYPE_SMS");
}
