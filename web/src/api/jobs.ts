// The jobs API: documents handed in, their pages, and what happens to them.

import { Failure, good, json, request, sending } from "./http";
import { progressive } from "./progressive";
import { sentEvents } from "./sent_events";
import type { Format, Job, Page, PageSummary, Verdict } from "./types";

/** The next of what happens to a job; `page` is told of in page order. */
export type JobEvent =
  | { kind: "state"; data: Job }
  | { kind: "page"; data: PageEvent }
  | { kind: "progress"; data: Pick<Job, "processed_pages" | "total_pages" | "queue_position" | "estimated_seconds" | "waiting_for"> };

export interface PageEvent {
  file: number;
  page_number: number;
  verdict: Verdict;
  confidence: number | null;
  processed_pages: number;
  total_pages: number | null;
}

/** Hand a document in; `options` as form fields, `sent` hears what share of it is sent. The same `key` never makes a second job. */
export async function handIn(
  file: File,
  options: Record<string, string>,
  key: string,
  signal: AbortSignal,
  sent: (share: number) => void,
): Promise<Job> {
  const form = new FormData();
  form.set("file", file, file.name);
  form.set("keep_document", "true");
  for (const [name, value] of Object.entries(options)) form.set(name, value);
  const init = { method: "POST", body: form, headers: { "Idempotency-Key": key }, signal };
  return (await good(await progressive("/jobs", init, { sent }))).json() as Promise<Job>;
}

export const jobs = (cursor: string | null = null, limit = 20): Promise<{ jobs: Job[]; next: string | null }> =>
  json(`/jobs?limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);

export const job = (id: string): Promise<Job> => json(`/jobs/${id}`);

/** End a job at work, or remove one that is over. */
export const end = (id: string): Promise<Response> => request(`/jobs/${id}`, { method: "DELETE" });

/** The pages read so far; with `find`, how often the text is in each. */
export async function pages(id: string, file: number, find = "", signal?: AbortSignal): Promise<PageSummary[]> {
  const query = `file=${file}${find ? `&find=${encodeURIComponent(find)}` : ""}`;
  return (await json<{ pages: PageSummary[] }>(`/jobs/${id}/pages?${query}`, signal ? { signal } : {})).pages;
}

export const page = (id: string, file: number, number: number, signal?: AbortSignal): Promise<Page> =>
  json(`/jobs/${id}/pages/${number}?file=${file}`, signal ? { signal } : {});

/** The page as an image, at most `width` px wide; without it as large as it was read. */
export async function pageImage(id: string, file: number, number: number, width?: number, signal?: AbortSignal): Promise<Blob> {
  const query = `file=${file}${width ? `&width=${Math.round(width)}` : ""}`;
  return (await request(`/jobs/${id}/pages/${number}/image?${query}`, signal ? { signal } : {})).blob();
}

/** The document as it was sent. */
export async function document(id: string, file: number): Promise<Blob> {
  return (await request(`/jobs/${id}/document?file=${file}`)).blob();
}

/** Put `content` in the place of what was recognised in a block; null takes the correction back. */
export function correct(id: string, file: number, number: number, order: number, content: string | null): Promise<Page> {
  const init = content === null ? { method: "DELETE" } : sending("PUT", { content });
  return json(`/jobs/${id}/pages/${number}/blocks/${order}?file=${file}`, init);
}

/** The result in a form, and the name that the server gives the file. */
export async function result(id: string, file: number, format: Format): Promise<{ name: string; content: Blob }> {
  const reply = await request(`/jobs/${id}/result?format=${format}&file=${file}`);
  const told = /filename\*=UTF-8''([^;]+)/i.exec(reply.headers.get("Content-Disposition") ?? "")?.[1];
  return { name: told ? decodeURIComponent(told) : `result.${format}`, content: await reply.blob() };
}

/**
 * What happens to a job from the event `after` on, until it is over; goes on by itself where the connection ends, and
 * tells `lost` of it when it does not come back at once.
 */
export async function* events(
  id: string,
  signal: AbortSignal,
  after = 0,
  lost?: (failure: unknown) => void,
): AsyncGenerator<JobEvent & { id: number }> {
  let last = after;
  for (let failed = 0; ; ) {
    try {
      const connected = connection(id, signal, last);
      let next = await connected.next();
      for (; !next.done; next = await connected.next()) {
        failed = 0;
        last = next.value.id;
        yield next.value;
      }
      if (next.value) return;
    } catch (error) {
      if (signal.aborted || (error instanceof Failure && error.status >= 400 && error.status < 500 && error.status !== 429)) throw error;
      failed += 1;
      if (failed > 1) lost?.(error);
    }
    await pause(Math.min(30, 2 ** failed) * 500, signal);
  }
}

/** The events of one connection; returns whether there is nothing more to come. */
async function* connection(id: string, signal: AbortSignal, after: number): AsyncGenerator<JobEvent & { id: number }, boolean> {
  const headers: Record<string, string> = after ? { "Last-Event-ID": String(after) } : {};
  const events = sentEvents(`/jobs/${id}/events`, { signal, headers });
  let last = after;
  for (let over = false; ; ) {
    const { done, value } = await events.next();
    if (done) return over || value.status === 204;
    last = Number(value.id ?? last);
    const event = { id: last, kind: value.event, data: JSON.parse(value.data) } as JobEvent & { id: number };
    over = event.kind === "state" && event.data.state !== "queued" && event.data.state !== "running";
    yield event;
  }
}

/** Wait so many milliseconds; throws an AbortError when `signal` says so. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), reject(new DOMException("aborted", "AbortError"))), { once: true });
  });
}
