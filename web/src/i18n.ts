// Two languages. Each view keeps its own sentences beside it, in both; what a component shows follows the choice at once.

import { signal } from "@preact/signals";

export type Language = "en" | "ru";
type Sentence = string | ((...values: never[]) => string);

const KEY = "offline-ocr.language";

export const language = signal<Language>(chosen());

export function choose(wanted: Language): void {
  language.value = wanted;
  localStorage.setItem(KEY, wanted);
}

/** The sentences of the language in use; called while a component renders, it renders again when the language changes. */
export function sentences<S extends Record<string, Sentence>>(both: { en: S; ru: { [K in keyof S]: S[K] extends string ? string : S[K] } }): () => S {
  return () => both[language.value] as S;
}

/** "3 pages", "3 страницы": the form for `count` among those of the language, then the count before it. */
export function counted(count: number, ...forms: [one: string, few: string, many: string] | [one: string, many: string]): string {
  const rule = new Intl.PluralRules(language.value).select(count);
  const form = rule === "one" ? forms[0] : rule === "few" ? forms[1] : forms[forms.length - 1];
  return `${new Intl.NumberFormat(language.value).format(count)} ${form}`;
}

/** A number with at most so many digits after the point. */
export function figure(value: number, digits = 0): string {
  return new Intl.NumberFormat(language.value, { maximumFractionDigits: digits }).format(value);
}

/** "4.2 s", "12 s", "3 min 20 s", "1 h 5 min", "2 h". */
export function duration(seconds: number): string {
  const [h, min, s] = language.value === "ru" ? ["ч", "мин", "с"] : ["h", "min", "s"];
  const whole = Math.round(seconds);
  if (whole < 60) return `${figure(seconds, seconds < 10 ? 1 : 0)} ${s}`;
  const minutes = Math.floor(whole / 60);
  const [many, unit, few, smaller] = minutes < 60 ? [minutes, min, whole % 60, s] : [Math.floor(minutes / 60), h, minutes % 60, min];
  return few ? `${many} ${unit} ${few} ${smaller}` : `${many} ${unit}`;
}

/** Date and time of day, in the reader's own time zone. */
export function moment(iso: string): string {
  return new Date(iso).toLocaleString(language.value, { dateStyle: "medium", timeStyle: "short" });
}

/** "512 MB", "1.9 GB" of megabytes. */
export function megabytes(value: number): string {
  const [mb, gb] = language.value === "ru" ? ["МБ", "ГБ"] : ["MB", "GB"];
  return value < 1000 ? `${figure(value)} ${mb}` : `${figure(value / 1000, 1)} ${gb}`;
}

function chosen(): Language {
  const kept = localStorage.getItem(KEY);
  if (kept === "en" || kept === "ru") return kept;
  return navigator.languages.some((each) => each.startsWith("ru")) ? "ru" : "en";
}
