import { STATUS_CODES } from "node:http";
import type { ErrorRequestHandler, Request, Response } from "express";
import type { Caller } from "../http/caller.ts";
import type { Reply } from "../http/operations/operation.ts";
import { asProblem } from "../http/problem.ts";
import type { SignInForm } from "../http/sessions/sign-in-routes.ts";
import { describeError, type Log } from "../log.ts";
import type { Answer } from "./frame/answer.ts";
import { type Assets, type DocumentProps, renderDocument } from "./frame/document.tsx";
import { Inside, SignIn } from "./pages/sign-in.tsx";
import { Trouble } from "./pages/trouble.tsx";

type Locals = { caller?: Caller; countProblems?: () => Promise<{ body: DocumentProps["problems"] } | undefined> };
type Shown = Exclude<Answer, { reply: Reply }>;

export async function sendPage(req: Request, res: Response, assets: Assets, answer: Shown): Promise<void> {
  if ("to" in answer) return res.redirect(303, answer.to);
  const { caller, countProblems } = res.locals as Locals;
  const problems = (await countProblems?.())?.body;
  const { title, head = <h1>{title}</h1>, body, status = 200, refreshSeconds } = answer;
  if (refreshSeconds !== undefined) res.set("Refresh", String(refreshSeconds));
  const path = `${req.baseUrl}${req.path}`.replace(/\/$/, "");
  const [search = "", locationId] = ["q", "locationId"].map((name) => readText(req.query[name]));
  const page = { title, assets, caller, path, search, locationId, problems, children: [head, body] };
  res.status(status).type("html").send(renderDocument(page));
}

const readText = (given: unknown) => (typeof given === "string" && given !== "" ? given : undefined);

function sendStranger(res: Response, status: number, page: Pick<DocumentProps, "title" | "assets" | "children">): void {
  const html = renderDocument({ caller: undefined, path: "", search: "", ...page });
  res.status(status).type("html").send(html);
}

export const sendSignIn = (res: Response, assets: Assets, { status, ...asked }: SignInForm) =>
  sendStranger(res, status, { title: "Sign in", assets, children: <SignIn {...asked} /> });

/** Asks HighLevel who looks at it, or says that it was not told. */
export const sendInside = (res: Response, assets: Assets, status: number) =>
  sendStranger(res, status, { title: "Inside HighLevel", assets, children: <Inside isRefused={status !== 200} /> });

/** What went wrong, in words. */
export function troubles(log: Log, assets: Assets): ErrorRequestHandler {
  return (error: unknown, req, res, next) => {
    if (res.headersSent) return next(error);
    const problem = asProblem(error);
    if (problem.status === 500)
      log("error", "request.broke", { method: req.method, route: "/console", ...describeError(error) });
    res.set(problem.headers);
    const { status } = problem;
    const title = STATUS_CODES[status] ?? "That did not work";
    sendPage(req, res, assets, { title, status, body: <Trouble problem={problem} /> }).catch(next);
  };
}
