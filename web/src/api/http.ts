// Requests with the token, and errors as the server words them.

import { computed, signal } from "@preact/signals";
import { signOut } from "../forget";

const KEY = "offline-ocr.token";

/** Kept for this tab only. */
export const token = signal(sessionStorage.getItem(KEY) ?? "");
/** What the server said of the token: nothing yet, or that it is not one of its own. */
export const tokenRefused = signal(false);

/** Whether the server itself checks tokens; where a gateway does, there is none to enter. */
const checksTokens = document.querySelector<HTMLMetaElement>('meta[name="auth-mode"]')?.content === "bearer";

/** Nothing can be asked of the server before a token is entered. */
export const tokenWanted = computed(() => checksTokens && (!token.value || tokenRefused.value));

/** Another token, or "" for none: what was done with the one before is forgotten. */
export function setToken(wanted: string): void {
  const next = wanted.trim();
  if (token.value && token.value !== next) signOut(!tokenRefused.value);
  token.value = next;
  tokenRefused.value = false;
  sessionStorage.setItem(KEY, token.value);
}

/** What went wrong with a request; `code` is stable, and "unreachable" where there was no reply at all. */
export class Failure extends Error {
  constructor(
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly status = 0,
    readonly retryAfter: number | null = null,
    readonly requestId: string | null = null,
  ) {
    super(`${title}: ${detail}`);
  }

  static of(error: unknown): Failure {
    if (error instanceof Failure) return error;
    return new Failure("page_error", "This page failed", error instanceof Error ? error.message : String(error));
  }
}

/** Whether it is worth trying again after a while: a lost connection, too many requests, a server that is restarted. */
export function passes(error: unknown): boolean {
  return error instanceof Failure && (error.code === "unreachable" || error.status === 429 || error.status >= 500);
}

/** Whether a gateway says in its own words that the server does not answer. */
export const isGateways = (failure: { code: string }): boolean => /^http_50[234]$/.test(failure.code);

/** An address of the server, wherever a gateway has put it. */
export function address(path: string): string {
  return new URL(path.replace(/^\//, ""), document.baseURI).href;
}

/** The reply, if it is a good one; else throws Failure. An AbortError goes through as it is. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token.value) headers.set("Authorization", `Bearer ${token.value}`);
  let reply: Response;
  try {
    reply = await fetch(address(path), { ...init, headers, credentials: "same-origin" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw unreachable(String(error));
  }
  return good(reply);
}

export function unreachable(detail: string): Failure {
  return new Failure("unreachable", "The server cannot be reached", detail);
}

/** The reply, if it is a good one; else throws Failure. */
export async function good(reply: Response): Promise<Response> {
  if (reply.ok) return reply;
  if (reply.status === 401) tokenRefused.value = true;
  throw await failure(reply);
}

/** The reply's JSON. Throws as `request` does. */
export async function json<T>(path: string, init: RequestInit = {}): Promise<T> {
  const reply = await request(path, init);
  try {
    return (await reply.json()) as T;
  } catch (error) {
    if (error instanceof TypeError) throw unreachable(String(error)); // the connection broke off amid the reply
    throw error;
  }
}

/** A request that sends JSON. */
export function sending(method: string, body: unknown): RequestInit {
  return { method, body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
}

async function failure(reply: Response): Promise<Failure> {
  const seconds = Number.parseInt(reply.headers.get("Retry-After") ?? "", 10);
  const retryAfter = Number.isFinite(seconds) ? seconds : null;
  const requestId = reply.headers.get("X-Request-ID");
  const body: unknown = await reply.json().catch(() => null);
  const told = (body ?? {}) as { code?: string; title?: string; detail?: string; error?: { code?: string; message?: string } };
  const code = told.code ?? told.error?.code ?? `http_${reply.status}`;
  const detail = told.detail ?? told.error?.message ?? "";
  return new Failure(code, told.title ?? (reply.statusText || String(reply.status)), detail, reply.status, retryAfter, requestId);
}
