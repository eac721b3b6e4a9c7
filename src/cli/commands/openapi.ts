import type { Command } from "commander";
import { sayJson } from "../print.ts";
import type { Session } from "../session.ts";

export function addOpenapi(program: Command, session: Session): void {
  program
    .command("openapi")
    .description("the API's document, for tools that make clients")
    .action(async () => sayJson(session, await session.bridge().get("/openapi.json")));
}
