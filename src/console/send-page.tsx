import { STATUS_CODES } from "node:http";
import type { ErrorRequestHandler, Request, Response } from "express";
import type { Caller } from "../http/caller.ts";
import type { Reply } from "../http/operations/operation.ts";
import { asProblem } from "../http/problem.ts";
import type { SignInForm } from "../http/sessions/sign-in-routes.ts";
import { describeError, type Log } from "../log.ts";
import type { Answer } from "./frame/answer.ts";
import { type Assets, type HeaderProps, renderDocument } from "./frame/document.tsx";
import { Inside, SignIn } from "./pages/sign-in.tsx";
import { Trouble } from "./pages/trouble.tsx";

type Shown = Exclude<Answer, { reply: Reply }> & { problems?: HeaderProps["problems"] };

export function sendPage(req: Request, res: Response, assets: Assets, answer: Shown): void {
  if ("to" in answer) return void res.redirect(303, answer.to);
  const { caller } = res.locals as { caller?: Caller };
  const { title, head = <h1>{title}</h1>, body, status = 200, refreshSeconds, problems } = answer;
  if (refreshSeconds !== undefined) res.set("Refresh", String(refreshSeconds));
  const path = `${req.baseUrl}${req.path}`.replace(/\/$/, "");
  const [search = "", locationId] = ["q", "locationId"].map((name) => readText(req.query[name]));
  res
    .status(status)
    .type("html")
    .send(renderDocument({ title, assets, caller, path, search, locationId, problems, children: [head, body] }));
}

const readText = (given: unknown) => (typeof given === "string" && given !== "" ? given : undefined);

const stranger = { caller: undefined, path: "", search: "" };

export function sendSignIn(res: Response, assets: Assets, { status, ...asked }: SignInForm): void {
  const page = { ...stranger, title: "Sign in", assets, children: <SignIn {...asked} /> };
  res.status(status).type("html").send(renderDocument(page));
}

/** Asks HighLevel who looks at it, or says that it was not told. */
export function sendInside(res: Response, assets: Assets, status: number): void {
  const page = { ...stranger, title: "Inside HighLevel", assets, children: <Inside isRefused={status !== 200} /> };
  res.status(status).type("html").send(renderDocument(page));
}

/** What went wrong, in words. */
export function troubles(log: Log, assets: Assets): ErrorRequestHandler {
  return (error: unknown, req, res, next) => {
    if (res.headersSent) return next(error);
    const problem = asProblem(error);
    if (problem.status === 500)
      log("error", "request.broke", { method: req.method, route: "/console", ...describeError(error) });
    res.set(problem.headers);
    const { status } = problem;
    sendPage(req, res, assets, {
      title: STATUS_CODES[status] ?? "That did not work",
      status,
      body: <Trouble problem={problem} />,
    });
  };
}
