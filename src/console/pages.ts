import type { Page } from "./frame/answer.ts";

/** Every page and button, by its route below `/console`. */
export function createPages(): Record<string, Page> {
  return {
    "GET /": async () => ({ title: "Overview", body: "Signed in." }),
  };
}
