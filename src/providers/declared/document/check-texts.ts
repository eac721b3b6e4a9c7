import { isCountry } from "../../../formats/phone-number.ts";
import { isPath, pathForm } from "../paths.ts";
import { readTemplate } from "../templates.ts";
import type { DocumentIssue } from "./credential-form.ts";
import type { ProviderDocument } from "./document.ts";

/** What is wrong with what a document reads, beside its form. */
export function checkTexts({ numbers, receives, sends }: ProviderDocument): DocumentIssue[] {
  const issues: DocumentIssue[] = [];
  if (typeof numbers === "object" && !isCountry(numbers.country)) {
    issues.push({ path: ["numbers", "country"], message: "is no country: two letters of ISO 3166, as US" });
  }
  for (const [index, event] of receives.events.entries()) {
    const at = (...path: string[]) => ["receives", "events", index, ...path];
    const wrongPath = readTemplate(event.ignored ?? "").names.find((name) => !isPath(name));
    if (wrongPath !== undefined) issues.push({ path: at("ignored"), message: `{${wrongPath}} ${pathForm}` });
    const wrong = readTemplate(event.receipt?.explanation ?? "").names.find((name) => name !== "code");
    if (wrong !== undefined)
      issues.push({ path: at("receipt", "explanation"), message: `{${wrong}}: only {code} is there` });
  }
  for (const { explanation } of [sends.refused].flat()) {
    issues.push(...checkExplanation(explanation, ["sends", "refused", "explanation"]));
  }
  return issues;
}

function checkExplanation(text: string | undefined, path: DocumentIssue["path"]): DocumentIssue[] {
  const wrong = readTemplate(text ?? "").names.find((name) => name !== "code");
  return wrong === undefined ? [] : [{ path, message: `{${wrong}}: only {code} is there` }];
}
