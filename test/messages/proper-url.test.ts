import { expect, test } from "vitest";
import { properUrl } from "../../src/messages/proper-url.ts";

const at = "https://files.example.com/acme";

test.each([
  [`${at}/Offer June 2026 für Ann.pdf`, `${at}/Offer%20June%202026%20f%C3%BCr%20Ann.pdf`],
  [`${at}/報告 😀.pdf`, `${at}/%E5%A0%B1%E5%91%8A%20%F0%9F%98%80.pdf`],
  [`${at}/100% "sure" <1>|[2]^\\3.jpg`, `${at}/100%25%20%22sure%22%20%3C1%3E%7C%5B2%5D%5E%5C3.jpg`],
  [`${at}/Plan #2.pdf`, `${at}/Plan%20%232.pdf`],
  [`${at}/a b.jpg?name=c d&x=%zz`, `${at}/a%20b.jpg?name=c%20d&x=%25zz`],
  [" https://bücher.example/a b.jpg ", "https://xn--bcher-kva.example/a%20b.jpg"],
])("what people call their files is put properly: %s", (given, proper) => {
  expect(properUrl(given)).toBe(proper);
  expect(properUrl(proper)).toBe(proper);
});

test.each([
  `${at}/My%20photo%20(1).jpg?sig=a%2Bb`,
  `${at}/a.pdf#page=2`,
  `${at}?ids[]=1&b=c+d`,
  "https://user@files.example.com:8443/a;b,c/~d'e!.png",
  "https://[::1]/a.jpg",
  "not a URL at all",
  "ftp://files.example.com/a b",
])("what is proper, or no URL of the web, stays as it is: %s", (given) => {
  expect(properUrl(given)).toBe(given);
});
