import type { OutboundAttachment, OutboundMessage } from "../../../model.ts";
import { withLinks } from "../../kit/sends.ts";

/** https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media#supported-media-types */
const takenTypes: Record<string, RegExp> = {
  image: /^image\/(jpeg|png)$/,
  video: /^video\/(mp4|3gpp)$/,
  audio: /^audio\/(aac|amr|mpeg|mp4|ogg)$/,
  document:
    /^(text\/plain|application\/(pdf|msword|vnd\.ms-(excel|powerpoint)|vnd\.openxmlformats-officedocument\..+))$/,
};
const maxCaption = 1024;

/**
 * The one message that holds all of it. WhatsApp takes one file, and no words beside a sound: what does not fit in goes as
 * a link, so that nothing is left out.
 */
export function compose(message: OutboundMessage): Record<string, unknown> {
  const { reference, to } = message;
  const common = { messaging_product: "whatsapp", recipient_type: "individual" };
  return { ...common, to, biz_opaque_callback_data: reference, ...composeContent(message) };
}

export function composeContent({ text, attachments }: Pick<OutboundMessage, "text" | "attachments">) {
  const [first, ...more] = attachments;
  const type = first && typeOf(first);
  const caption = withLinks(text, more);
  const fits = type === "audio" ? caption === "" : caption.length <= maxCaption;
  if (first && type && fits) {
    const name = type === "document" ? { filename: first.name } : {};
    return { type, [type]: { link: first.url, ...(caption ? { caption } : {}), ...name } };
  }
  return { type: "text", text: { body: withLinks(text, attachments) } };
}

function typeOf({ contentType }: OutboundAttachment): string | undefined {
  const [plain = ""] = contentType.toLowerCase().split(";");
  return Object.keys(takenTypes).find((type) => takenTypes[type]?.test(plain.trim()));
}
