// Light, dark, or as the system has it.

import { effect, signal } from "@preact/signals";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "offline-ocr.theme";
const kept = localStorage.getItem(KEY);

export const theme = signal<Theme>(THEMES.find((each) => each === kept) ?? "system");

effect(() => {
  document.documentElement.dataset["theme"] = theme.value;
  localStorage.setItem(KEY, theme.value);
});
