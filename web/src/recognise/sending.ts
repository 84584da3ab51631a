// Documents on their way to the server: two at a time, each with a key of its own, so that sending one again after a lost
// connection makes no second job. They outlive the view, not the tab: after a reload the list of documents has what arrived.

import { computed, effect, type Signal, signal } from "@preact/signals";
import { Failure, isGateways, passes, token, tokenWanted } from "../api/http";
import * as api from "../api/jobs";
import type { Job } from "../api/types";
import type { Followed } from "../document/follow";
import { onSignOut } from "../forget";
import { cancel, removed } from "../jobs/list";
import { newKey } from "./key";

export type Stage =
  | { at: "waiting" }
  | { at: "sending"; share: number }
  | { at: "put-off"; failure: Failure; until: number }
  | { at: "refused"; failure: unknown }
  /** It was on the server already when it was stopped: what comes of it is awaited, and ended. */
  | { at: "stopping" }
  /** `perhaps`: it may have become a job. */
  | { at: "stopped"; perhaps: boolean }
  | { at: "job"; id: string };

export interface Sent {
  /** Names it here, and the job to be made of it to the server. */
  key: string;
  file: File;
  options: Record<string, string>;
  stage: Signal<Stage>;
  /** Its job and pages, once there is one. */
  followed: Signal<Followed>;
  /** It was sent by itself, and is shown as soon as its first page is read. */
  alone: boolean;
}

const AT_ONCE = 2;
const PATIENCE_MS = 5 * 60_000; // after the first time that it did not get through
const UNREACHABLE_MS = 5000;
const LONGEST_MS = 60_000; // asked to wait longer, it looks whether there is room already

const all = signal<Sent[]>([]);

/** The newest first, without what has been removed from the list of documents since. */
export const sent = computed(() => all.value.filter(({ stage }) => stage.value.at !== "job" || !removed.value.has(stage.value.id)));

const line: Sent[] = []; // those whose turn has not come
const stops = new Map<string, AbortController>(); // of those on their way, by key

export function send(files: File[], options: Record<string, string>): void {
  const fresh = files.map((file) => made(file, options, files.length === 1));
  all.value = [...fresh, ...all.value];
  line.push(...fresh);
  next();
}

/** Try once more. What the server has never taken keeps its key; what became a job becomes another one, which is returned. */
export function again(one: Sent): Sent {
  const anew = one.stage.value.at === "job" ? made(one.file, one.options, false) : one;
  anew.stage.value = { at: "waiting" };
  all.value = all.value.map((each) => (each === one ? anew : each));
  line.push(anew);
  next();
  return anew;
}

export function stop(one: Sent): void {
  const { value } = one.stage;
  if (value.at === "sending" && value.share === 1) one.stage.value = { at: "stopping" };
  else leave(one);
}

function leave(one: Sent): void {
  one.stage.value = { at: "stopped", perhaps: false };
  stops.get(one.key)?.abort();
}

/** Take its card away; a job goes on, and is in the list of documents. */
export function putAway(one: Sent): void {
  all.value = all.value.filter((each) => each !== one);
}

export const isOnItsWay = ({ stage }: Sent): boolean => ["waiting", "sending", "stopping", "put-off"].includes(stage.value.at);

effect(() => {
  if (!sent.value.some(isOnItsWay)) return;
  addEventListener("beforeunload", keepOpen);
  return () => removeEventListener("beforeunload", keepOpen);
});

effect(() => {
  if (!token.value || tokenWanted.value) return;
  for (const each of sent.peek()) {
    const stage = each.stage.peek();
    if (stage.at === "refused" && Failure.of(stage.failure).code === "unauthorized") queueMicrotask(() => again(each));
  }
});

onSignOut((unsent) => {
  const before = all.value;
  all.value = before.filter(({ stage }) => !unsent && stage.value.at !== "job");
  for (const one of before) if (!all.value.includes(one)) leave(one);
});

function made(file: File, options: Record<string, string>, alone: boolean): Sent {
  const nothing: Followed = { job: null, pages: [], failure: null };
  return { key: newKey(), file, options, stage: signal<Stage>({ at: "waiting" }), followed: signal(nothing), alone };
}

function next(): void {
  while (stops.size < AT_ONCE) {
    const place = line.findIndex((each) => !stops.has(each.key)); // one that was stopped a moment ago may still be ending
    const [one] = place < 0 ? [] : line.splice(place, 1);
    if (!one) return;
    if (one.stage.value.at === "waiting") begin(one);
  }
}

function begin(one: Sent): void {
  const stopping = new AbortController();
  stops.set(one.key, stopping);
  void bring(one, stopping.signal).finally(() => {
    stops.delete(one.key);
    next();
  });
}

async function bring(one: Sent, stopping: AbortSignal): Promise<void> {
  let end: number | null = null;
  try {
    await readable(one.file);
    for (;;) {
      try {
        one.stage.value = { at: "sending", share: 0 };
        const progress = (share: number) => one.stage.peek().at === "sending" && (one.stage.value = { at: "sending", share });
        const job = await api.handIn(one.file, one.options, one.key, stopping, progress);
        taken(one, one.stage.peek().at === "stopping" ? await cancel(job.id).catch(() => job) : job); // its card can cancel it still
        return;
      } catch (error) {
        if (one.stage.peek().at === "stopping") throw error;
        const delay = delayOf(error);
        end ??= Date.now() + PATIENCE_MS;
        if (delay === null || Date.now() + delay > end) throw arrivedPerhaps(error);
        one.stage.value = { at: "put-off", failure: error as Failure, until: Date.now() + delay };
        await api.pause(delay, stopping);
      }
    }
  } catch (failure) {
    if (stopping.aborted) return;
    const wasStopping = one.stage.peek().at === "stopping";
    one.stage.value = wasStopping ? { at: "stopped", perhaps: passes(failure) } : { at: "refused", failure };
  }
}

function taken(one: Sent, job: Job): void {
  one.followed.value = { job, pages: [], failure: null };
  one.stage.value = { at: "job", id: job.id };
}

function arrivedPerhaps(error: unknown): unknown {
  return error instanceof Failure && (error.code === "unreachable" || isGateways(error)) ? new Failure("not_sent", error.title, error.detail) : error;
}

/** Milliseconds until it is worth trying again; null where it is not. */
function delayOf(error: unknown): number | null {
  if (!(error instanceof Failure)) return null;
  if (error.code === "unreachable" || (isGateways(error) && error.retryAfter === null)) return UNREACHABLE_MS;
  if (error.retryAfter === null || (error.status !== 429 && error.status !== 503)) return null;
  return Math.min(LONGEST_MS, Math.max(1, error.retryAfter) * 1000);
}

/** Raises Failure where the file is gone, was changed since, or is a folder; an upload would call that a lost connection. */
async function readable(file: File): Promise<void> {
  await file
    .slice(0, 1)
    .arrayBuffer()
    .catch((error: unknown) => {
      throw new Failure("file_gone", "The file cannot be read any more", String(error));
    });
}

function keepOpen(event: BeforeUnloadEvent): void {
  event.preventDefault();
}
