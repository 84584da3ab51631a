// Following a job from several views: who goes from one to another goes on with the same connection.

import { effect, signal, type Signal } from "@preact/signals";
import { onSignOut } from "../forget";
import { attend, type Followed } from "./attend";

export type { Followed };

interface Attended {
  state: Signal<Followed>;
  views: number;
  end: () => void;
}

const LINGER_MS = 1000;
const attended = new Map<string, Attended>();

onSignOut(() => {
  for (const [key, one] of attended) end(key, one); // another token may not ask for it
});

/** Keep `into` up to date; returns what ends it. */
export function follow(id: string, file: number, into: Signal<Followed>): () => void {
  const key = `${id} ${file}`;
  const one = attended.get(key) ?? begin(key, id, file);
  one.views += 1;
  const stop = effect(() => {
    const { job, failure } = one.state.value;
    into.value = job ? one.state.value : { ...into.peek(), failure }; // what was known of it before stays
  });
  return () => {
    stop();
    one.views -= 1;
    if (!one.views && !one.state.peek().job) end(key, one); // whoever comes back tries anew
    else setTimeout(() => one.views || end(key, one), LINGER_MS);
  };
}

function begin(key: string, id: string, file: number): Attended {
  const state = signal<Followed>({ job: null, pages: [], failure: null });
  const one: Attended = { state, views: 0, end: () => {} };
  attended.set(key, one);
  one.end = attend(id, file, state, () => attended.delete(key)); // the next view tries anew
  return one;
}

function end(key: string, one: Attended): void {
  one.end();
  if (attended.get(key) === one) attended.delete(key);
}
