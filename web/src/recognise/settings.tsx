// What a document is read by, and which of its pages.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { models, refreshModels } from "../api/service";
import type { Model, ModelState } from "../api/types";
import { language, sentences } from "../i18n";
import { languagesInWords, titleInWords } from "../models/advice";
import { FailureNotice } from "../ui/notice";
import { arePages, kept, model, pages } from "./choices";
import { LanguageField } from "./language";

const say = sentences({
  en: {
    model: "Model",
    loading: "Asking the server…",
    missing: "Not on this server now",
    reads: (languages: string) => `Reads ${languages}.`,
    first: "It is loaded first, which may take a while.",
    noRussian: (name: string) => `This model does not read Russian letters. ${name} does.`,
    take: (name: string) => `Use ${name}`,
    pages: "Pages",
    all: "all",
    pagesHint: "Such as 1-3,7. Empty is all of them.",
    pagesWrong: "Write page numbers and ranges, as in 1-3,7.",
    again: "Ask again",
    absent: "not installed",
    idle: "not loaded yet",
    loadingState: "being loaded",
    ready: "ready",
    busy: "at work",
    draining: "being freed",
    failed: "failed",
  },
  ru: {
    model: "Модель",
    loading: "Запрашиваем у сервера…",
    missing: "Сейчас нет на сервере",
    reads: (languages: string) => `Читает: ${languages}.`,
    first: "Сначала она загрузится, это займёт некоторое время.",
    noRussian: (name: string) => `Эта модель не читает русские буквы. Их читает ${name}.`,
    take: (name: string) => `Выбрать ${name}`,
    pages: "Страницы",
    all: "все",
    pagesHint: "Например 1-3,7. Пустое поле означает все.",
    pagesWrong: "Укажите номера и диапазоны страниц, например 1-3,7.",
    again: "Запросить снова",
    absent: "не установлена",
    idle: "ещё не загружена",
    loadingState: "загружается",
    ready: "готова",
    busy: "работает",
    draining: "выгружается",
    failed: "ошибка",
  },
});

export function Settings() {
  return (
    <>
      <ModelField />
      <LanguageField />
      <PagesField />
    </>
  );
}

function ModelField() {
  const failure = useSignal<unknown>(null);
  const ask = () => {
    failure.value = null;
    refreshModels().catch((error: unknown) => (failure.value = error));
  };
  useEffect(ask, []);
  const told = models.value;
  if (!told && failure.value !== null) {
    return (
      <FailureNotice failure={failure.value}>
        <button type="button" onClick={ask}>
          {say().again}
        </button>
      </FailureNotice>
    );
  }
  const here = told?.models.filter((each) => told.available_models.includes(each.name)) ?? [];
  const missing = told?.models.filter((each) => !told.available_models.includes(each.name)) ?? [];
  const entry = (each: Model) => (
    <option key={each.name} value={each.name} disabled={missing.includes(each)}>
      {each.name} · {inWords(each.state)} · {titleInWords(each.title)}
    </option>
  );
  const chosen = model.value;
  const choose = (name: string) => (kept.value = { ...kept.value, model: name });
  return (
    <div class="field">
      <label for="model">{say().model}</label>
      <select
        id="model"
        value={chosen?.name ?? ""}
        disabled={!told}
        aria-describedby="about-model"
        onChange={(event) => choose(event.currentTarget.value)}
      >
        {!told && <option value="">{say().loading}</option>}
        {here.map(entry)}
        {missing.length > 0 && <optgroup label={say().missing}>{missing.map(entry)}</optgroup>}
      </select>
      <p class="hint" id="about-model">
        {chosen && say().reads(languagesInWords(chosen.languages, false))} {chosen?.state === "idle" && say().first}
      </p>
      {chosen && <Cyrillic chosen={chosen} here={here} choose={choose} />}
    </div>
  );
}

/** Whoever reads this page in Russian most likely has Russian documents. */
function Cyrillic({ chosen, here, choose }: { chosen: Model; here: Model[]; choose: (name: string) => void }) {
  const other = here.find(readsRussian);
  if (language.value !== "ru" || readsRussian(chosen) || !other) return null;
  return (
    <div class="notice look">
      <p>{say().noRussian(other.name)}</p>
      <button type="button" onClick={() => choose(other.name)}>
        {say().take(other.name)}
      </button>
    </div>
  );
}

const readsRussian = (each: Model): boolean => each.languages.some((words) => /\bru\b/.test(words));

function PagesField() {
  const wrong = !arePages(pages.value);
  return (
    <div class="field">
      <label for="pages">{say().pages}</label>
      <input
        id="pages"
        type="text"
        autocomplete="off"
        placeholder={say().all}
        value={pages.value}
        aria-invalid={wrong}
        aria-describedby="about-pages"
        onInput={(event) => (pages.value = event.currentTarget.value)}
      />
      <p class={wrong ? "hint wrong" : "hint"} id="about-pages">
        {wrong ? say().pagesWrong : say().pagesHint}
      </p>
    </div>
  );
}

function inWords(state: ModelState): string {
  return state === "loading" ? say().loadingState : say()[state];
}
