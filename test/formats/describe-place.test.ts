import { expect, test } from "vitest";
import { describePlace } from "../../src/formats/describe-place.ts";

const map = "https://www.google.com/maps?q=52.5163,13.3777";

test.each([
  [
    { label: "Meeting point", address: "Square 1", latitude: "52.5163", longitude: "13.3777" },
    `Meeting point\nSquare 1\n${map}`,
  ],
  [{ latitude: 52.5163, longitude: 13.3777 }, map],
  [{ latitude: 0, longitude: "0" }, "https://www.google.com/maps?q=0,0"],
  [{ label: "Square 1", address: "Square 1" }, "Square 1"],
  [{ latitude: "52,5163", longitude: "13,3777" }, map],
  [{ latitude: "52.5" }, "latitude 52.5"],
  [{ label: " ", latitude: "north", longitude: "13" }, "latitude north, longitude 13"],
  [{ latitude: "", longitude: " " }, undefined],
  [{}, undefined],
])("the place %j is read as words", (place, words) => expect(describePlace(place)).toBe(words));
