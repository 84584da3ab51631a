// Confidence and verdicts: told by a shape and a word, not by colour alone.

import type { Verdict } from "../api/types";
import { figure, sentences } from "../i18n";

export const SURE = 0.85;
export const DOUBTFUL = 0.7;

export type Band = "sure" | "look" | "doubtful" | "unknown";

const say = sentences({
  en: {
    sure: "sure",
    look: "have a look",
    doubtful: "doubtful",
    unknown: "not measured",
    confidence: "Confidence",
    ok: "read",
    blank: "blank page",
    truncated: "cut off: the model ran out of tokens",
    repetition: "the model repeated itself",
    failed: "could not be read",
  },
  ru: {
    sure: "надёжно",
    look: "проверьте",
    doubtful: "сомнительно",
    unknown: "не измерено",
    confidence: "Уверенность",
    ok: "прочитано",
    blank: "пустая страница",
    truncated: "обрезано: у модели кончились токены",
    repetition: "модель зациклилась",
    failed: "не удалось прочитать",
  },
});

const SHAPES: Record<Band, string> = { sure: "●", look: "▲", doubtful: "◆", unknown: "○" };

export function bandOf(confidence: number | null): Band {
  if (confidence === null) return "unknown";
  return confidence >= SURE ? "sure" : confidence >= DOUBTFUL ? "look" : "doubtful";
}

/** "▲ 78 % have a look"; `short` leaves the word to screen readers. */
export function Confidence({ value, short = false }: { value: number | null; short?: boolean }) {
  const band = bandOf(value);
  const number = value === null ? "" : `${figure(Math.floor(value * 100))} %`;
  return (
    <span class={`confidence ${band}`} title={`${say().confidence}: ${say()[band]}`}>
      <span aria-hidden="true">{SHAPES[band]}</span> {number} <span class={short && value !== null ? "unseen" : ""}>{say()[band]}</span>
    </span>
  );
}

/** Nothing for a page that came out well. */
export function VerdictMark({ verdict }: { verdict: Verdict }) {
  if (verdict === "ok") return null;
  return <span class={`verdict ${verdict}`}>{say()[verdict]}</span>;
}
