/** What a test may say, by name: each tries what has gone wrong on the way to HighLevel before. Each begins with the same words. */
export const fixtures = {
  plain: [],
  lines: ["one line", "", "and another after an empty one"],
  long: Array.from(
    { length: 24 },
    (_, index) => `Sentence ${index + 1} of a message that takes several parts of a text.`,
  ),
  unicode: ["Grüße, \u05e9\u05dc\u05d5\u05dd, 你好, \u{1f469}\u{200d}\u{1f680}"],
  markup: [`<b>bold</b> & "quoted" 'twice' </p>`],
} as const satisfies Record<string, readonly string[]>;

export type FixtureName = keyof typeof fixtures;
export const fixtureNames = Object.keys(fixtures) as [FixtureName, ...FixtureName[]];
