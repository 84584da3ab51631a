// A model that is about to be used is loaded first, so that one can see that it is being loaded, and for how long.

import { Failure } from "../api/http";
import { pause } from "../api/jobs";
import { load, models, refreshModels } from "../api/service";
import type { Model } from "../api/types";
import { titleInWords } from "./advice";

const LOOK_MS = 1500;

export function modelNamed(name: string): Model | undefined {
  return models.value?.models.find((each) => each.name === name);
}

/** As people read it; the name where the server does not know it any more. */
export function titleOf(name: string): string {
  return titleInWords(modelNamed(name)?.title ?? name);
}

export function isLoaded(model: Model | undefined): boolean {
  return model?.state === "ready" || model?.state === "busy";
}

/** Comes back when the model is loaded. Throws Failure when it cannot be, an AbortError when `signal` says so. */
export async function loaded(name: string, signal: AbortSignal): Promise<void> {
  for (let asked = false; ; ) {
    await refreshModels();
    signal.throwIfAborted();
    const model = modelNamed(name);
    if (isLoaded(model)) return;
    const stands = model?.state === "idle" || model?.state === "failed";
    if (!model || model.state === "absent" || (stands && asked)) {
      throw new Failure("model_unavailable", "The model cannot be used now", model?.reason ?? `${name} was not loaded.`);
    }
    if (stands) {
      await load(name);
      asked = true;
    }
    await pause(LOOK_MS, signal);
  }
}
