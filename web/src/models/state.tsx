// Where a model stands: a shape and a word.

import type { ModelState } from "../api/types";
import { sentences } from "../i18n";

const say = sentences({
  en: {
    absent: "not in this image",
    idle: "not loaded",
    loading: "loading",
    ready: "ready",
    busy: "reading",
    draining: "finishing",
    failed: "failed",
  },
  ru: {
    absent: "нет в этом образе",
    idle: "не загружена",
    loading: "загружается",
    ready: "готова",
    busy: "читает",
    draining: "завершает работу",
    failed: "сбой",
  },
});

const SHAPES: Record<ModelState, string> = { absent: "–", idle: "○", loading: "◔", ready: "●", busy: "◉", draining: "◑", failed: "◆" };

export function StateMark({ state }: { state: ModelState }) {
  return (
    <span class={`model-state ${state}`}>
      <span aria-hidden="true">{SHAPES[state]}</span> {say()[state]}
    </span>
  );
}
