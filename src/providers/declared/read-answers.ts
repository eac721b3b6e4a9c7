import { ParseError } from "../../errors.ts";
import type { MessageError } from "../../model.ts";
import { code, maybeText, messageId } from "../kit/fields.ts";
import type { AnswerReader } from "../kit/sends.ts";
import { findHindrance } from "./conditions.ts";
import type { DeclaredRefusal, ProviderDocument } from "./document/document.ts";
import type { Scope } from "./paths.ts";
import { readTemplate } from "./templates.ts";
import { readOne, readSource } from "./values.ts";

/** Reads a provider's answers as a document says: by what their bodies hold. */
export function answersOf({ label, sends }: Pick<ProviderDocument, "label" | "sends">): AnswerReader {
  const { taken, refused } = sends;
  const hindrance = findHindrance(taken.when ?? {});
  const idOf = readSource(taken.id);
  const refusals = [refused].flat().map((each) => readRefusalBy(label, each));
  return {
    sent: ({ body }) =>
      orNothing(() => {
        const scope = scopeOf(body);
        if (hindrance(scope) !== undefined) return undefined;
        return { providerMessageId: readOne(idOf(scope), messageId) };
      }),
    refused(body) {
      for (const read of refusals) {
        const error = orNothing(() => read(scopeOf(body)));
        if (error) return error;
      }
      return undefined;
    },
    ...(taken.when === undefined ? {} : { refusesWithin200: true }),
  };
}

function readRefusalBy(label: string, declared: DeclaredRefusal): (scope: Scope) => MessageError | undefined {
  const { message: said, explanation = `${label} error {code}` } = declared;
  const hindrance = findHindrance(declared.when ?? {});
  const codeOf = readSource(declared.code);
  const messageOf = said === undefined ? undefined : readSource(said);
  const explain = readTemplate(explanation);
  const isCodeOurs = typeof declared.code === "object" && "constant" in declared.code;
  return (scope) => {
    if (hindrance(scope) !== undefined) return undefined;
    const read = readOne(codeOf(scope), code);
    const message = messageOf && readOne(messageOf(scope), maybeText);
    // A code that is always the same says nothing by itself.
    if (isCodeOurs && message === undefined) return undefined;
    return { code: read, message: message ?? String(explain.fill(() => read)) };
  };
}

const scopeOf = (body: unknown): Scope => ({ body, item: body, reference: undefined });

/** What lacks what is read, or has something else there, is none. */
function orNothing<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof ParseError) return undefined;
    throw error;
  }
}
