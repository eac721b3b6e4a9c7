import type { z } from "zod";
import { InvalidRequest } from "../../../errors.ts";
import { checkProof } from "./check-proof.ts";
import { checkSends } from "./check-sends.ts";
import { checkTexts } from "./check-texts.ts";
import { documentForm, draftForm, type ProviderDocument, type SavedDocument } from "./document.ts";

/** A document as it is saved. Throws an InvalidRequest whose errors name the paths in it. */
export function readDocument(given: unknown): SavedDocument {
  return read(documentForm, given);
}

/** A document that is tried out: it may lack samples yet. Throws the same. */
export function readDraft(given: unknown): ProviderDocument {
  return read(draftForm, given);
}

const maxCharacters = 200_000;
const maxErrors = 10;

function read<Document extends ProviderDocument>(form: z.ZodType<Document>, given: unknown): Document {
  if (JSON.stringify(given ?? null).length > maxCharacters) {
    throw new InvalidRequest("invalid", `a provider's document has up to ${maxCharacters} characters as JSON`);
  }
  const parsed = form.safeParse(given);
  if (!parsed.success) throw refusal(parsed.error.issues);
  const issues = [...checkProof(parsed.data), ...checkTexts(parsed.data), ...checkSends(parsed.data)];
  if (issues.length > 0) throw refusal(issues);
  return parsed.data;
}

function refusal(issues: { path: PropertyKey[]; message: string }[]): InvalidRequest {
  const errors = issues.slice(0, maxErrors).map(({ path, message }) => {
    return { path: path.map(String).join(".").slice(0, 300), message: message.slice(0, 500) };
  });
  return new InvalidRequest("invalid", "the document cannot be taken", errors);
}
