// How documents are to be read: the model, its options, what is done to the pages. Kept for the next time, but for what
// is about one document: its pages, and questions in one's own words.

import { computed, effect, signal } from "@preact/signals";
import { models } from "../api/service";
import type { Model, OptionRow } from "../api/types";
import { onSignOut } from "../forget";

export const STEPS = ["denoise", "orientation", "crop", "deskew", "contrast"] as const;
export type Step = (typeof STEPS)[number];

interface Kept {
  /** Null is the server's default. */
  model: string | null;
  steps: Step[];
  /** By model: what was changed of its options, as text. */
  options: Record<string, Record<string, string>>;
  /** By model: the name of one of its prompts. */
  prompts: Record<string, string>;
}

const KEY = "offline-ocr.recognise";

export const kept = signal<Kept>(read());
export const pages = signal("");
/** A question in one's own words; null where one of the model's prompts is used. */
export const ownPrompt = signal<string | null>(null);

onSignOut((unsent) => {
  if (!unsent) return;
  pages.value = "";
  ownPrompt.value = null;
});

effect(() => localStorage.setItem(KEY, JSON.stringify(kept.value)));

/** The model that reads; null before the server has told of any. */
export const model = computed<Model | null>(() => {
  const told = models.value;
  if (!told) return null;
  const name = [kept.value.model, told.default_model].find((each) => each !== null && told.available_models.includes(each));
  return told.models.find((each) => each.name === name) ?? null;
});

/** What was set of an option of the model; "" where it is as the model has it. */
export function option(name: string): string {
  return (model.value && kept.value.options[model.value.name]?.[name]) ?? "";
}

export function setOption(name: string, value: string): void {
  if (!model.value) return;
  const { [name]: _, ...others } = kept.value.options[model.value.name] ?? {};
  const changed = value ? { ...others, [name]: value } : others;
  kept.value = { ...kept.value, options: { ...kept.value.options, [model.value.name]: changed } };
}

/** The name of the model's prompt that was chosen; "" for its best. */
export const promptName = computed(() => {
  const name = (model.value && kept.value.prompts[model.value.name]) ?? "";
  return model.value && name in model.value.prompts ? name : "";
});

export function setPrompt(name: string): void {
  if (model.value) kept.value = { ...kept.value, prompts: { ...kept.value.prompts, [model.value.name]: name } };
}

export function setStep(step: Step, wanted: boolean): void {
  kept.value = { ...kept.value, steps: STEPS.filter((each) => (each === step ? wanted : kept.value.steps.includes(each))) };
}

/** How many of the further options are not as they come. */
export const changes = computed(() => {
  const { preprocess, prompt, ...own } = fields();
  const options = Object.keys(own).filter((name) => !["model_name", "pages", "lang"].includes(name)).length;
  return options + (prompt ? 1 : 0) + kept.value.steps.length;
});

/** The form fields of a job: only what is not as the server would have it anyway, and the model by its name. */
export function fields(): Record<string, string> {
  const chosen = model.value;
  const found: Record<string, string> = {};
  if (chosen) {
    found["model_name"] = chosen.name;
    for (const [name, row] of Object.entries(chosen.options)) {
      const value = option(name).trim();
      if (value && value !== asText(row.default)) found[name] = value;
    }
    const prompt = ownPrompt.value?.trim() || chosen.prompts[promptName.value];
    if (prompt && Object.keys(chosen.prompts).length) found["prompt"] = prompt;
  }
  if (kept.value.steps.length) found["preprocess"] = kept.value.steps.join(",");
  const asked = tidied(pages.value);
  if (asked) found["pages"] = asked;
  return found;
}

/** A default as it is written in a field. */
export function asText(value: OptionRow["default"]): string {
  if (value === null || value === undefined) return "";
  return Array.isArray(value) ? value.join(",") : String(value);
}

/** Pages as the server reads them: dashes of other kinds are meant as "-". */
export const tidied = (text: string): string => text.replace(/[‐-―−]/g, "-").replace(/;/g, ",").replace(/\s+/g, "");

/** Whether it is empty, or a list of pages such as 1-3,7. */
export function arePages(text: string): boolean {
  const asked = tidied(text);
  return (
    asked === "" ||
    asked.split(",").every((each) => {
      const found = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(each);
      const first = Number(found?.[1] ?? 0);
      return first >= 1 && first <= Number(found?.[2] ?? first);
    })
  );
}

function read(): Kept {
  const none: Kept = { model: null, steps: [], options: {}, prompts: {} };
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Kept>;
    return { ...none, ...found, steps: STEPS.filter((each) => found.steps?.includes(each)) };
  } catch {
    return none; // of another version of the page
  }
}
