import { describe, expect, test } from "vitest";
import { createBodyMemory } from "../../src/http/body-memory.ts";

const create = () => createBodyMemory({ small: 100_000, large: 1_000_000 });
const declared = (bytes: number) => bytes;

describe("memory for bodies", () => {
  test("is for everybody: one mapping gets half of it, and the others have the other half", () => {
    const memory = create();
    memory.begin("a", declared(250_000));
    memory.begin("a", declared(250_000));
    expect(() => memory.begin("a", declared(70_000))).toThrow("too many bodies");
    memory.begin("b", declared(300_000));
    memory.begin("c", declared(200_000));
    expect(() => memory.begin("d", declared(70_000))).toThrow("nothing was stored, send it again");
  });

  test("for texts is another one than for large mail", () => {
    const memory = create();
    for (const owner of ["a", "b"]) memory.begin(owner, declared(500_000));
    expect(() => memory.begin("c", declared(64_001))).toThrow("too many");
    memory.begin("c", declared(2000));
    memory.begin("a", declared(2000));
  });

  test("is given back once, however often it is said", () => {
    const memory = create();
    const hold = memory.begin("a", declared(500_000));
    hold.end();
    hold.end();
    const [one] = [memory.begin("a", declared(500_000)), memory.begin("b", declared(500_000))];
    expect(() => memory.begin("c", declared(100_000))).toThrow("too many");
    one.end();
    memory.begin("c", declared(100_000));
  });

  test("counts what comes where no length was declared, and what comes beyond a length that was a lie", () => {
    for (const length of [undefined, 10]) {
      const memory = create();
      const hold = memory.begin("a", length);
      for (let come = 0; come < 500_000; come += 50_000) hold.grow(50_000);
      expect(() => hold.grow(1)).toThrow("too many");
      memory.begin("a", declared(50_000));
      hold.end();
      memory.begin("a", declared(500_000));
    }
  });

  test("does not count a body twice that was declared", () => {
    const memory = create();
    const hold = memory.begin("a", declared(500_000));
    for (let come = 0; come < 500_000; come += 50_000) hold.grow(50_000);
    memory.begin("b", declared(500_000));
  });
});
