// Models and the service itself.

import { signal } from "@preact/signals";
import { json } from "./http";
import type { Health, Models } from "./types";

/** What `/models` said last; null before it has. */
export const models = signal<Models | null>(null);

export async function refreshModels(): Promise<Models> {
  models.value = await json<Models>("/models");
  return models.value;
}

export const health = (): Promise<Health> => json("/health");

export const load = (name: string): Promise<unknown> => json(`/models/${encodeURIComponent(name)}/load`, { method: "POST" });

export const unload = (name: string): Promise<unknown> => json(`/models/${encodeURIComponent(name)}/unload`, { method: "POST" });
