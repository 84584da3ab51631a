// Conversations about pages. They are kept for this tab, and go on while one looks at something else.

import { type Signal, signal } from "@preact/signals";
import * as chat from "../api/chat";
import * as api from "../api/jobs";
import { onRemoval, onSignOut } from "../forget";
import { loaded } from "../models/ready";

export type TurnState = "loading" | "waiting" | "answering" | "done" | "stopped" | "failed";

/** A question and what came of it. */
export interface Turn {
  id: number;
  question: string;
  answer: string;
  model: string;
  state: TurnState;
  failure: unknown;
  ending: chat.Ending | null;
  usage: chat.Usage | null;
}

export interface Settings {
  model: string;
  temperature: number;
  maxTokens: number | null;
}

const IMAGE_PX = 2000; // what models look at is no larger
const PACE_MS = 50;

const conversations = new Map<string, Conversation>();
let shown: { key: string; uri: string } | null = null; // one image is enough: they are large
let turns = 0;

onRemoval((job) => {
  for (const [key, each] of conversations) {
    if ((JSON.parse(key) as unknown[])[0] !== job) continue;
    each.clear();
    conversations.delete(key);
    if (shown?.key === key) shown = null;
  }
});

onSignOut(() => {
  for (const each of conversations.values()) each.clear();
  conversations.clear();
  shown = null;
});

/** The conversation about a page; there is one for each. */
export function conversation(job: string, file: number, page: number): Conversation {
  const key = JSON.stringify([job, file, page]);
  const found = conversations.get(key) ?? new Conversation(key, (width) => api.pageImage(job, file, page, width));
  conversations.set(key, found);
  return found;
}

export class Conversation {
  readonly turns: Signal<Turn[]> = signal([]);
  readonly busy = signal(false);
  private ending = new AbortController();

  constructor(
    private readonly key: string,
    private readonly image: (width: number) => Promise<Blob>,
  ) {}

  /** Ask, with what was said before. Comes back with the turn when it is over, however it ends. */
  async ask(question: string, settings: Settings, pageWidth: number): Promise<Turn> {
    const { signal: ended } = (this.ending = new AbortController());
    const before = this.turns.value;
    const turn: Turn = { id: (turns += 1), question, answer: "", model: settings.model, state: "loading", failure: null, ending: null, usage: null };
    let now = turn;
    let flushing: ReturnType<typeof setTimeout> | null = null;
    const show = () => {
      flushing = null;
      this.turns.value = this.turns.value.map((each) => (each.id === turn.id ? now : each));
    };
    const set = (change: Partial<Turn>, soon = false) => {
      now = { ...now, ...change };
      if (!soon) show();
      else flushing ??= setTimeout(show, PACE_MS);
    };
    this.turns.value = [...before, turn];
    this.busy.value = true;
    try {
      await loaded(settings.model, ended);
      set({ state: "waiting" });
      const messages = this.messages(before, question, await this.picture(Math.min(IMAGE_PX, pageWidth || IMAGE_PX)));
      ended.throwIfAborted();
      for await (const { text, ending, usage } of chat.ask({ ...settings, messages }, ended)) {
        if (text) set({ answer: now.answer + text, state: "answering" }, true);
        if (ending) set({ ending });
        if (usage) set({ usage });
      }
      set({ state: "done" });
    } catch (failure) {
      set(ended.aborted ? { state: "stopped" } : { state: "failed", failure });
    } finally {
      if (flushing) clearTimeout(flushing);
      if (this.ending.signal === ended) this.busy.value = false;
    }
    return now;
  }

  /** What has come of the answer stays. */
  stop(): void {
    this.ending.abort();
  }

  clear(): void {
    this.stop();
    this.turns.value = [];
  }

  forget(turn: Turn): void {
    this.turns.value = this.turns.value.filter((each) => each.id !== turn.id);
  }

  /** Questions without an answer are left out: models want the two by turns. */
  private messages(before: Turn[], question: string, image: string): chat.Message[] {
    const said = before
      .filter((turn) => turn.answer.trim())
      .flatMap((turn): chat.Message[] => [
        { role: "user", content: turn.question },
        { role: "assistant", content: turn.answer },
      ]);
    const [first, ...rest] = [...said, { role: "user" as const, content: question }];
    return [chat.aboutImage(image, first?.content as string), ...rest];
  }

  private async picture(width: number): Promise<string> {
    if (shown?.key !== this.key) shown = { key: this.key, uri: await dataUri(await this.image(width)) };
    return shown.uri;
  }
}

function dataUri(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(reader.error ?? new Error("The image cannot be read."));
    reader.readAsDataURL(blob);
  });
}
