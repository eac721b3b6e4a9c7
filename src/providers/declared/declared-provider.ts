import type { Adapter } from "../kit/adapter.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { composeRequest } from "./compose-request.ts";
import { credentialsOf } from "./credential-fields.ts";
import type { Given } from "./document/credential-form.ts";
import type { ProviderDocument } from "./document/document.ts";
import { type ProofFacts, readProof } from "./proof-recipes.ts";
import { answersOf } from "./read-answers.ts";
import { createEventReader } from "./read-events.ts";

/** The adapter that a document describes: made as those of code are, and held to the same contract. */
export function declaredProvider(document: ProviderDocument): Adapter<Given> {
  const { label, pasteAt, notes, receives, sends, services } = document;
  const { contentTypes, acknowledgement } = receives;
  const facts = readProof(receives.proof);
  const { proof, pastedUrl } = facts;
  const events = createEventReader(document);
  return defineProvider<Given, Given>({
    ...{ label, channel: "sms", pasteAt, notes },
    credentials: credentialsOf(document),
    receives: {
      ...{ contentTypes, proof },
      read: (webhook, ownAddress) => events.read(webhook, ownAddress),
      ...(isReferenceSigned(document, facts) ? { isReferenceSigned: true } : {}),
      ...(pastedUrl ? { pastedUrl } : {}),
      ...(acknowledgement ? { acknowledgement } : {}),
    },
    sends: {
      request: (message, given) => {
        const receiptUrl = pastedUrl?.(message.receiptUrl, given) ?? message.receiptUrl;
        return composeRequest(sends, { ...message, receiptUrl }, given);
      },
      answer: answersOf(document),
      refusals: sends.refusals ?? {},
      services,
      ...(document.people === "ids" ? { takesIds: true } : {}),
      ...(sends.idempotent ? { isIdempotent: true } : {}),
    },
  });
}

/** Wherever receipts have their reference: in the body, or in the URL of the callback. */
function isReferenceSigned({ receives }: ProviderDocument, { signs }: ProofFacts): boolean {
  return receives.events.every(
    ({ receipt }) => receipt === undefined || (receipt.reference === undefined ? signs.url : signs.body),
  );
}
