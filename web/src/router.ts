// The part of the address after # → what is shown: each view and each page of a document can be bookmarked.
//
//     #/                          recognise
//     #/jobs                      the documents handed in
//     #/jobs/ID?file=0&page=3     a document: read; #/jobs/ID/compare and #/jobs/ID/chat are about one page of it
//     #/models                    models and service

import { computed, signal } from "@preact/signals";

export type DocumentView = "read" | "compare" | "chat";
export type Route =
  | { view: "recognise" }
  | { view: "jobs" }
  | { view: "models" }
  | { view: DocumentView; job: string; file: number; page: number | null };

const hash = signal(location.hash);
addEventListener("hashchange", () => (hash.value = location.hash));

export const route = computed<Route>(() => parse(hash.value));

function parse(address: string): Route {
  const [path = "", query = ""] = address.replace(/^#\/?/, "").split("?");
  const [first, job, view] = path.split("/");
  if (first === "models") return { view: "models" };
  if (first !== "jobs") return { view: "recognise" };
  if (!job) return { view: "jobs" };
  const asked = new URLSearchParams(query);
  const page = Number.parseInt(asked.get("page") ?? "", 10);
  return {
    view: view === "compare" || view === "chat" ? view : "read",
    job,
    file: Math.max(0, Number.parseInt(asked.get("file") ?? "0", 10) || 0),
    page: page > 0 ? page : null,
  };
}

/** The address of a document's view, for a link. */
export function documentAddress(job: string, view: DocumentView = "read", file = 0, page: number | null = null): string {
  const asked = new URLSearchParams();
  if (file) asked.set("file", String(file));
  if (page) asked.set("page", String(page));
  const query = asked.size ? `?${asked}` : "";
  return `#/jobs/${encodeURIComponent(job)}${view === "read" ? "" : `/${view}`}${query}`;
}

export function go(address: string): void {
  location.hash = address;
}

/** Say in the address what is being looked at, without a new entry in the browser's history. */
export function remark(address: string): void {
  history.replaceState(null, "", address);
  hash.value = address;
}
