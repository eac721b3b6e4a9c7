// Loaded by `node --import`: highlevel.test is this machine, but for as long as the file `?down=` is there, when no name resolves.
import dns from "node:dns";
import { existsSync } from "node:fs";

const down = new URL(import.meta.url).searchParams.get("down") ?? "";
const lookUp = dns.lookup;
dns.lookup = (name, options, callback) => {
  const answer = typeof options === "function" ? options : callback;
  if (existsSync(down)) {
    const details = { code: "EAI_AGAIN", errno: -3001, syscall: "getaddrinfo", hostname: name };
    process.nextTick(answer, Object.assign(new Error(`getaddrinfo EAI_AGAIN ${name}`), details));
    return;
  }
  lookUp(name === "highlevel.test" ? "127.0.0.1" : name, options, callback);
};
