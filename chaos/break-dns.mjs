// Loaded by `node --import`: highlevel.test is this machine, but for as long as the file `?down=` is there, when no name server answers.
import { Resolver } from "node:dns";
import { existsSync } from "node:fs";

const down = new URL(import.meta.url).searchParams.get("down") ?? "";

function breakQuestion(question, addresses) {
  const ask = Resolver.prototype[question];
  Resolver.prototype[question] = function (name, options, callback) {
    const answer = typeof options === "function" ? options : callback;
    const fail = (code) => process.nextTick(answer, Object.assign(new Error(`${question} ${code} ${name}`), { code }));
    if (existsSync(down)) return void fail("ESERVFAIL");
    if (name !== "highlevel.test") return ask.call(this, name, options, callback);
    if (addresses.length === 0) return void fail("ENODATA");
    process.nextTick(answer, null, options.ttl ? addresses.map((address) => ({ address, ttl: 0 })) : addresses);
  };
}

breakQuestion("resolve4", ["127.0.0.1"]);
breakQuestion("resolve6", []);
