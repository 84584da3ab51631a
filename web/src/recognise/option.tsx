// One of a model's own options, as /models tells of it. Empty is as the model has it, and is not sent.

import type { OptionRow } from "../api/types";
import { figure, language, sentences } from "../i18n";
import { asText, option, setOption } from "./choices";
import { IN_RUSSIAN } from "./option_words";

const say = sentences({
  en: {
    usual: (value: string) => (value ? `as usual: ${value}` : "as the model has it"),
    yes: "yes",
    no: "no",
    from: (least: string) => `at least ${least}`,
    above: (bound: string) => `more than ${bound}`,
    to: (most: string) => `at most ${most}`,
    list: "words with commas between them",
  },
  ru: {
    usual: (value: string) => (value ? `как обычно: ${value}` : "как задано в модели"),
    yes: "да",
    no: "нет",
    from: (least: string) => `не меньше ${least}`,
    above: (bound: string) => `больше ${bound}`,
    to: (most: string) => `не больше ${most}`,
    list: "слова через запятую",
  },
});

export function OptionField({ name, row }: { name: string; row: OptionRow }) {
  const russian = language.value === "ru" ? IN_RUSSIAN[name] : undefined;
  const hint = hintOf(row);
  return (
    <div class="field">
      <label class="option" for={`option-${name}`} lang={russian ? "ru" : "en"}>
        {russian ?? row.description} <code>{name}</code>
      </label>
      <Entry name={name} row={row} hinted={hint !== ""} />
      {hint && (
        <p class="hint" id={`about-${name}`}>
          {hint}
        </p>
      )}
    </div>
  );
}

function Entry({ name, row, hinted }: { name: string; row: OptionRow; hinted: boolean }) {
  const value = option(name);
  const set = (event: { currentTarget: HTMLInputElement | HTMLSelectElement }) => setOption(name, event.currentTarget.value);
  const named = { id: `option-${name}`, ...(hinted ? { "aria-describedby": `about-${name}` } : {}) };
  const choices: [value: string, words: string][] =
    row.type === "flag" ? [["true", say().yes], ["false", say().no]] : row.choices.map((each) => [each, each]);
  if (row.type === "flag" || row.type === "choice") {
    const usual = choices.find(([each]) => each === asText(row.default))?.[1] ?? asText(row.default);
    return (
      <select value={value} onChange={set} {...named}>
        <option value="">{say().usual(usual)}</option>
        {choices.map(([each, words]) => (
          <option key={each} value={each}>
            {words}
          </option>
        ))}
      </select>
    );
  }
  const usual = asText(row.default);
  if (row.type === "integer" || row.type === "number") {
    const bounds = { ...bound("min", row.least ?? row.above), ...bound("max", row.most) };
    return <input type="number" step={row.type === "integer" ? 1 : "any"} value={value} placeholder={usual} onInput={set} {...bounds} {...named} />;
  }
  return <input type="text" autocomplete="off" spellcheck={false} value={value} placeholder={usual} onInput={set} {...named} />;
}

function bound(name: "min" | "max", value: number | null): Record<string, number> {
  return value === null ? {} : { [name]: value };
}

function hintOf({ type, least, above, most }: OptionRow): string {
  if (type === "list") return say().list;
  const words = [
    least !== null && say().from(figure(least, 2)),
    above !== null && say().above(figure(above, 2)),
    most !== null && say().to(figure(most, 2)),
  ];
  return words.filter(Boolean).join(", ");
}
