import type { Deviation } from "./deviations.ts";

const issues = "https://github.com/GoHighLevel/highlevel-api-docs/issues";
const guide = "https://marketplace.gohighlevel.com/docs/marketplace-modules/ConversationProviders";
const pages = "https://marketplace.gohighlevel.com/docs/ghl/conversations";

const sightings = "answers that users of the API saw in 2026; there is no page about it";

/** All in which client and sandbox are not as HighLevel's OpenAPI files say, and why. */
export const knownDeviations: Deviation[] = [
  {
    problems: ["POST /conversations/messages/inbound: request direction must be object"],
    published: "an object, with the examples outbound and inbound, and the default outbound",
    real: "one of the two words; an object is what the files' generator makes of an enum that it cannot name",
    source: `${pages}/add-an-inbound-message`,
  },
  {
    problems: [
      "POST /conversations/messages/inbound: request contactId is missing",
      "POST /conversations/messages/inbound: request conversationId is missing",
      "POST /conversations/messages/inbound: the sandbox takes contactId is missing",
      "POST /conversations/messages/inbound: the sandbox takes conversationId is missing",
    ],
    published: "both are required",
    real: "one of the two is enough; we give both as soon as we know them",
    source: `${pages}/add-an-inbound-message`,
  },
  {
    problems: [
      "POST /conversations/messages/inbound: request conversationProviderId is missing",
      "POST /conversations/messages/inbound: the sandbox takes conversationProviderId is missing",
    ],
    published: "is required",
    real: "a location's default providers of SMS and Email are used without it",
    source: guide,
  },
  {
    problems: [
      "POST /conversations/messages: request status is missing",
      "POST /conversations/messages: request subType is missing",
      "POST /conversations/messages: the sandbox takes status is missing",
      "POST /conversations/messages: the sandbox takes subType is missing",
    ],
    published: "both are required",
    real: "type and contactId are; whoever calls the send route may give the others",
    source: `${pages}/send-a-new-message`,
  },
  {
    problems: [
      "POST /conversations/messages: request mentions is not declared",
      "POST /conversations/messages: request userId is not declared",
    ],
    published: "are not there",
    real: "the pages, which are newer than the files, have them for internal comments",
    source: `${pages}/send-a-new-message`,
  },
  {
    problems: [
      "POST /conversations/messages/upload: request fileAttachment is not declared",
      "POST /conversations/messages/upload: request attachmentUrls is missing",
    ],
    published: "a list of URLs is required, and the file itself has no field",
    real: "the file is a part named fileAttachment, as the operation's description says",
    source: `${pages}/upload-file-attachments`,
  },
  {
    problems: ["POST /conversations/messages/upload: request contactId is missing"],
    published: "both contactId and conversationId are required",
    real: "one of the two is enough",
    source: `${issues}/149`,
  },
  {
    problems: [
      "GET /conversations/{conversationId}/messages: answer 200 messages must be array",
      "GET /conversations/{conversationId}/messages: answer 200 lastMessageId is missing",
      "GET /conversations/{conversationId}/messages: answer 200 nextPage is missing",
    ],
    published: "lastMessageId, nextPage and messages stand by themselves",
    real: "they stand within messages; the sandbox answers as published by its setting messageList, and that is held too",
    source: `${issues}/54`,
  },
  {
    problems: [
      "GET /conversations/{conversationId}/messages: answer 200 messages[].altId is not declared",
      "GET /conversations/messages/export: answer 200 messages[].altId is not declared",
    ],
    published: "only an email that is read by its id has an altId",
    real: "was seen of some kinds of messages; the sandbox leaves it out by its setting showsAltIds",
    source: `${issues}/212`,
  },
  {
    problems: ["POST /conversations/messages: answer 200 threadId is not declared"],
    published: "is not there",
    real: "was seen of emails",
    source: `${pages}/send-a-new-message`,
  },
  {
    problems: ["*: answer 4?? traceId is not declared"],
    published: "statusCode, message and error",
    real: "most refusals have a traceId, under which HighLevel's support finds the call",
    source: `${issues}/5`,
  },
  {
    problems: [
      "POST /conversations/messages/inbound: answer 4?? canonicalCode is not declared",
      "POST /conversations/messages: answer 422 canonicalCode is not declared",
    ],
    published: "statusCode, message and error",
    real: "refusals of messages have a code of their own",
    source: sightings,
  },
  {
    problems: [
      "POST /conversations/messages/inbound: answer 422 message must be array",
      "POST /conversations/messages: answer 422 message must be array",
    ],
    published: "a 422 has a list of sentences",
    real: "one with a canonicalCode has a single sentence",
    source: sightings,
  },
  {
    problems: ["POST /contacts/upsert: the sandbox takes dateOfBirth must be object"],
    published: "an object",
    real: "a date as text, as its description says; an object is what the files' generator makes of it",
    source: "UpsertContactDto in apps/contacts.json, its description and example",
  },
  {
    problems: ["POST /conversations/: answer 400 conversationId is not declared"],
    published: "statusCode and message",
    real: "the refusal to make a second conversation was seen to name the first one; the client searches where it does not",
    source: `${issues}/5`,
  },
  {
    problems: [
      "GET /conversations/messages/export: answer 422 is not published",
      "GET /conversations/search: answer 422 is not published",
      "POST /conversations/messages: answer 422 is not published",
      "POST /conversations/messages/inbound: answer 422 is not published",
      "PUT /conversations/messages/email/{id}/status: answer 422 is not published",
      "PUT /conversations/messages/{messageId}/status: answer 422 is not published",
    ],
    published: "200, 400 and 401",
    real: "what fails validation is 422, in the shape that the files share for it",
    source: "https://github.com/GoHighLevel/ghl-marketplace-app-template/issues/11",
  },
  {
    problems: ["GET /conversations/search: answer 403 is not published"],
    published: "200, 400 and 401",
    real: "a token for another location is 403",
    source: `${issues}/213`,
  },
  {
    problems: ["GET /conversations/messages/email/{id}: answer 400 is not published"],
    published: "200 and no refusal",
    real: "what is not there is refused as by the calls beside it",
    source: `${pages}/get-email-by-id`,
  },
  {
    problems: ["POST /conversations/messages/inbound: answer 500 is not published"],
    published: "200, 400 and 401",
    real: "an email without emailTo was answered so",
    source: `${issues}/6`,
  },
  {
    problems: ["GET /conversations/search: answer 429 is not published"],
    published: "200, 400 and 401",
    real: "the limits, 100 requests in 10 seconds and 200,000 a day, are described elsewhere; 429 was seen beyond them",
    source: "docs/oauth/Authorization.md beside the files",
  },
  {
    problems: ["POST /conversations/messages/upload: answer 500 is not published"],
    published: "200, 400, 401, 413 and 415",
    real: "a conversation that is not there was answered so",
    source: `${issues}/39`,
  },
  {
    problems: ["POST /conversations/messages/inbound: answer 201 is not published"],
    published: "200",
    real: "a post of type Custom without a provider is answered by an empty 201, and not stored: the client takes it for a failure",
    source: `${issues}/70`,
  },
  {
    problems: ["PUT /conversations/messages/{messageId}/status: answer 403 is not published"],
    published: "200, 400 and 401",
    real: "a message that HighLevel has not handed to its provider yet",
    source: `${issues}/4`,
  },
  {
    problems: ["POST /conversations/messages: request type is none of the published words"],
    published: "neither GMB nor InternalComment",
    real: "the answer's messageIds are described as those of GMB; the pages, which are newer, have InternalComment",
    source: `${pages}/send-a-new-message`,
  },
  {
    problems: ["POST /conversations/messages: answer 200 messageId is missing"],
    published: "is required",
    real: "of GMB there is a list, messageIds, instead, as its description says",
    source: "SendMessageResponseDto in apps/conversations.json",
  },
  {
    problems: [
      "POST /oauth/token: answer 400 error is not declared",
      "POST /oauth/token: answer 4?? error_description is not declared",
    ],
    published: "statusCode and message",
    real: "the words of OAuth 2.0, beside the published ones",
    source: "https://www.rfc-editor.org/rfc/rfc6749#section-5.2",
  },
];
