import fc from "fast-check";
import { type Answer, answers } from "./highlevel.ts";

/** One thing that happens. People, numbers, locations and workers are numbered. */
export type Step =
  | { what: "receive"; number: number; person: number; ids: number[] }
  /** By a worker that has places free, some of them; or by one that has none. */
  | { what: "process"; worker: number; places: number }
  | { what: "claim"; worker: number; places: number }
  /** A worker delivers the first lane that it holds. */
  | { what: "deliver"; worker: number; answers: Answer[] }
  /** What answers late does so now. */
  | { what: "answer"; worker: number }
  | { what: "kill"; worker: number }
  | { what: "leases end" }
  | { what: "time passes" }
  | { what: "replay" }
  | { what: "discard" }
  | { what: "pause"; location: number }
  | { what: "resume"; location: number }
  | { what: "move"; number: number };

export const size = { numbers: 2, people: 2, locations: 2, workers: 2 };

const below = (count: number) => fc.nat(count - 1);
const worker = below(size.workers);
const location = below(size.locations);
const just = <What extends Step["what"]>(what: What) => fc.constant({ what });
const of = <What extends string, Fields extends object>(
  what: What,
  fields: { [Key in keyof Fields]: fc.Arbitrary<Fields[Key]> },
) => fc.record({ what: fc.constant(what), ...fields }) as unknown as fc.Arbitrary<{ what: What } & Fields>;

const sender = { number: below(size.numbers), person: below(size.people) };
const ids = fc.array(fc.nat(9), { minLength: 1, maxLength: 4, size: "max" });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: of("receive", { ...sender, ids }) },
  { weight: 6, arbitrary: of("process", { worker, places: fc.integer({ min: 0, max: 2 }) }) },
  { weight: 8, arbitrary: of("claim", { worker, places: fc.integer({ min: 2, max: 8 }) }) },
  {
    weight: 8,
    arbitrary: of("deliver", { worker, answers: fc.array(fc.constantFrom(...answers), { maxLength: 3 }) }),
  },
  { weight: 3, arbitrary: of("answer", { worker }) },
  { weight: 1, arbitrary: of("kill", { worker }) },
  { weight: 2, arbitrary: just("leases end") },
  { weight: 1, arbitrary: just("time passes") },
  { weight: 1, arbitrary: just("replay") },
  { weight: 1, arbitrary: just("discard") },
  { weight: 1, arbitrary: of("pause", { location }) },
  { weight: 1, arbitrary: of("resume", { location }) },
  { weight: 1, arbitrary: of("move", { number: below(size.numbers) }) },
) as fc.Arbitrary<Step>;

export const programs = fc.array(step, { minLength: 8, maxLength: 30, size: "max" });
