import { ParseError } from "../../errors.ts";
import { requirePhoneNumber } from "../../formats/phone-number.ts";
import type { ProviderEvent } from "../../model.ts";
import { type ReceiptFacts, receipt } from "../kit/events.ts";
import { maybeText, messageId, requiredText } from "../kit/fields.ts";
import { parseReference } from "../kit/reference.ts";
import type { DeclaredReceipt, ProviderDocument } from "./document/document.ts";
import type { Scope } from "./paths.ts";
import { readTemplate } from "./templates.ts";
import { readOne, readSource, type Sought, type ValueSource } from "./values.ts";

/** Reads receipts as a document says. Of a group each person's is one. */
export function readReceiptsBy(
  { label }: Pick<ProviderDocument, "label">,
  declared: DeclaredReceipt,
): (scope: Scope) => ProviderEvent[] {
  const [idOf, statusOf] = [readSource(declared.id), readSource(declared.status)];
  const referenceOf = referenceBy(declared);
  const recipientOf = optional(declared.recipient);
  const reasonOf = readReasonBy(label, declared);
  return (scope) => {
    const statuses = statusOf(scope);
    const { path, values } = statuses;
    if (values.length === 0) throw new ParseError(`${path}: is missing`);
    return values.map((value, index) => {
      const word = readOne({ ...statuses, values: [value] }, requiredText);
      return receipt(word, declared.words, () => ({
        id: readOne(idOf(scope), messageId),
        reference: referenceOf(scope),
        recipient: values.length > 1 && declared.recipient ? numberAt(recipientOf(scope), index) : undefined,
        ...reasonOf(scope, word),
      }));
    });
  };
}

const nothing: Sought = { path: "nothing", values: [], isList: false };

const optional = (source: ValueSource | undefined) => (source === undefined ? () => nothing : readSource(source));

/** Somebody else's reference is none. */
function referenceBy({ reference }: DeclaredReceipt): (scope: Scope) => string | undefined {
  if (reference === undefined) return (scope) => scope.reference;
  const read = readSource(reference);
  return (scope) => {
    const given = readOne(read(scope), maybeText);
    return parseReference(given) === undefined ? undefined : given;
  };
}

function numberAt({ path, values }: Sought, index: number): string {
  return requirePhoneNumber(readOne({ path, values: [values[index]], isList: false }, requiredText), path);
}

/** Of what failed: the provider's code and words, an explanation of the code, or the status itself. */
function readReasonBy(label: string, { errorCode, errorMessage, explanation }: DeclaredReceipt) {
  const [codeOf, messageOf] = [optional(errorCode), optional(errorMessage)];
  const explain = readTemplate(explanation ?? "");
  return (scope: Scope, word: string): Pick<ReceiptFacts, "code" | "message"> => {
    const code = readOne(codeOf(scope), maybeText);
    const said = readOne(messageOf(scope), maybeText);
    const explained = code === undefined || explanation === undefined ? undefined : String(explain.fill(() => code));
    return { code, message: said ?? explained ?? `${label} says ${word}` };
  };
}
