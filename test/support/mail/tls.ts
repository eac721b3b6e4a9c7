import { readFileSync } from "node:fs";
import { join } from "node:path";

const read = (name: string) => readFileSync(join(import.meta.dirname, name), "utf8");

/** Of a server at localhost, made for these tests by `openssl req -x509`. */
export const tlsOfLocalhost = { key: read("key.pem"), cert: read("certificate.pem") };

export const files = { key: join(import.meta.dirname, "key.pem"), cert: join(import.meta.dirname, "certificate.pem") };
