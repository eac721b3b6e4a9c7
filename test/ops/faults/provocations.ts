import { readFaults } from "./page.ts";
import type { Provocation } from "./provocation.ts";
import { atTheDoor } from "./provoke/at-the-door.ts";
import { database } from "./provoke/database.ts";
import { messages } from "./provoke/messages.ts";
import { processes } from "./provoke/processes.ts";
import { sides } from "./provoke/sides.ts";

export const faults = readFaults();
export const provocations = new Map<string, Provocation>(
  Object.entries({ ...processes, ...database, ...sides, ...messages, ...atTheDoor }),
);
