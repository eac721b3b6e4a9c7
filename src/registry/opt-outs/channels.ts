import {
  type Channel,
  type ConsentChange,
  dndNames,
  type OptOutChannel,
  optOutChannels,
  type TextService,
} from "../../model.ts";

/** What opt-outs of texts are of. */
const textChannels = optOutChannels.filter((each) => each !== "email");

/** All that may be set apart for an address of this channel. */
export const channelsWithin = (channel: Channel): readonly OptOutChannel[] =>
  channel === "email" ? ["email"] : textChannels;

/** By what a message goes: a mapping, and its provider. */
export interface Way {
  channel: Channel;
  type: string;
  adapter?: { onlyService?: TextService };
}

/**
 * What a message is for HighLevel's DND: by the type of the mapping, as there is DND for some types alone, and also by the
 * service that a text goes by.
 */
export function channelsOf({ channel, type, adapter }: Way, service = adapter?.onlyService): OptOutChannel[] {
  const own = optOutChannels.find((each) => dndNames[each] === type) ?? channel;
  return service === "whatsapp" && own !== "whatsapp" ? [own, "whatsapp"] : [own];
}

/** What a person means by such a message: a STOP is of all texts, and of what the message is; a START of all there is. */
export function channelsMeantBy(change: ConsentChange, way: Way, service?: TextService): readonly OptOutChannel[] {
  const { channel } = way;
  return change === "start" ? channelsWithin(channel) : [...new Set([channel, ...channelsOf(way, service)])];
}
