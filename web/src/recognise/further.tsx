// Further options: what is done to the pages first, the question to the model, and the model's own options.

import { sentences } from "../i18n";
import { changes, kept, model, ownPrompt, promptName, setPrompt, setStep, STEPS } from "./choices";
import { OptionField } from "./option";

const say = sentences({
  en: {
    further: "Options",
    changed: (count: number) => `${count} changed`,
    steps: "Before a page is read",
    denoise: "Clean it",
    denoiseWhy: "Removes specks and grain of a bad scan or copy.",
    orientation: "Turn it upright",
    orientationWhy: "For pages that lie on their side or upside down.",
    crop: "Cut off the edges",
    cropWhy: "Removes the table or the dark border around the sheet.",
    deskew: "Straighten it",
    deskewWhy: "For pages that lie a little crooked.",
    contrast: "Strengthen the contrast",
    contrastWhy: "For pale print and uneven light, as in photos.",
    prompt: "What the model is asked",
    best: "its own best question",
    own: "my own words…",
    words: "Your words",
    options: (name: string) => `Only for ${name}`,
  },
  ru: {
    further: "Параметры",
    changed: (count: number) => `изменено: ${count}`,
    steps: "Перед чтением страницы",
    denoise: "Очистить",
    denoiseWhy: "Убирает точки и зерно плохого скана или копии.",
    orientation: "Повернуть",
    orientationWhy: "Если страница лежит на боку или вверх ногами.",
    crop: "Обрезать края",
    cropWhy: "Убирает стол или тёмную рамку вокруг листа.",
    deskew: "Выровнять",
    deskewWhy: "Если страница лежит немного криво.",
    contrast: "Усилить контраст",
    contrastWhy: "Для бледной печати и неровного света, как на фото.",
    prompt: "Что спросить у модели",
    best: "лучший вопрос самой модели",
    own: "своими словами…",
    words: "Ваши слова",
    options: (name: string) => `Только для ${name}`,
  },
});

const OWN = "own words"; // no prompt is called so: their names have no spaces

export function Further() {
  const chosen = model.value;
  const options = Object.entries(chosen?.options ?? {}).filter(([name, row]) => name !== "lang" && !row.keys.length);
  return (
    <details class="further">
      <summary>
        {say().further}
        {changes.value > 0 && <span class="faint"> · {say().changed(changes.value)}</span>}
      </summary>
      <fieldset>
        <legend>{say().steps}</legend>
        {STEPS.map((step) => (
          <div key={step} class="step">
            <label>
              <input
                type="checkbox"
                checked={kept.value.steps.includes(step)}
                aria-describedby={`about-${step}`}
                onChange={(event) => setStep(step, event.currentTarget.checked)}
              />
              {say()[step]}
            </label>
            <p class="hint" id={`about-${step}`}>
              {say()[`${step}Why`]}
            </p>
          </div>
        ))}
      </fieldset>
      {chosen && Object.keys(chosen.prompts).length > 0 && <Prompt prompts={chosen.prompts} />}
      {chosen && options.length > 0 && (
        <details>
          <summary>{say().options(chosen.name)}</summary>
          {options.map(([name, row]) => (
            <OptionField key={`${chosen.name} ${name}`} name={name} row={row} />
          ))}
        </details>
      )}
    </details>
  );
}

function Prompt({ prompts }: { prompts: Record<string, string> }) {
  const own = ownPrompt.value;
  const choose = (wanted: string) => {
    ownPrompt.value = wanted === OWN ? "" : null;
    if (wanted !== OWN) setPrompt(wanted);
  };
  return (
    <div class="field">
      <label for="prompt">{say().prompt}</label>
      <select id="prompt" value={own === null ? promptName.value : OWN} onChange={(event) => choose(event.currentTarget.value)}>
        <option value="">{say().best}</option>
        {Object.entries(prompts).map(([name, words]) => (
          <option key={name} value={name}>
            {name}: {words}
          </option>
        ))}
        <option value={OWN}>{say().own}</option>
      </select>
      {own !== null && (
        <textarea
          rows={3}
          maxLength={8000}
          aria-label={say().words}
          placeholder={say().words}
          value={own}
          onInput={(event) => (ownPrompt.value = event.currentTarget.value)}
        />
      )}
    </div>
  );
}
