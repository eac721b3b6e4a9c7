import type { Finding } from "../../../model.ts";

export const ok = (check: string, detail: string): Finding => ({ check, state: "ok", detail });

export const warning = (check: string, detail: string, advice: string): Finding => {
  return { check, state: "warning", detail, advice };
};

export const failure = (check: string, detail: string, advice: string): Finding => {
  return { check, state: "failure", detail, advice };
};
