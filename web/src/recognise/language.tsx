// The languages of the document, for models that want to know them: Tesseract's packs, joined by +.

import { useSignal } from "@preact/signals";
import { language, sentences } from "../i18n";
import { asText, model, option, setOption } from "./choices";

const OPTION = "lang";

const say = sentences({
  en: { label: "Language of the document", common: "Often used", packs: "Where the server has the pack", other: "Another…", codes: "Language codes", hint: "Tesseract's codes, joined by +, such as deu+eng." },
  ru: { label: "Язык документа", common: "Чаще всего", packs: "Если пакет есть на сервере", other: "Другой…", codes: "Коды языков", hint: "Коды Tesseract через +, например deu+eng." },
});

/** Tesseract's name of a pack, and the language's own code. */
const NAMES: Record<string, string> = {
  rus: "ru",
  eng: "en",
  ukr: "uk",
  bel: "be",
  kaz: "kk",
  deu: "de",
  fra: "fr",
  spa: "es",
  ita: "it",
  por: "pt",
  pol: "pl",
  tur: "tr",
  ara: "ar",
  chi_sim: "zh-Hans",
  jpn: "ja",
  kor: "ko",
};
const COMMON = ["rus+eng", "rus", "eng"];
const PACKS = Object.keys(NAMES).filter((each) => !COMMON.includes(each));

export function LanguageField() {
  const asked = useSignal(false); // "another" was chosen, and nothing is written yet
  const row = model.value?.options[OPTION];
  if (!row) return null;
  const usual = asText(row.default);
  const value = option(OPTION) || usual;
  const common = COMMON.includes(usual) ? COMMON : [usual, ...COMMON];
  const free = asked.value || ![...common, ...PACKS].includes(value);
  const choose = (wanted: string) => {
    asked.value = wanted === "";
    if (wanted) setOption(OPTION, wanted === usual ? "" : wanted);
  };
  const entry = (each: string) => (
    <option key={each} value={each}>
      {inWords(each)}
    </option>
  );
  return (
    <div class="field">
      <label for="language">{say().label}</label>
      <select id="language" value={free ? "" : value} onChange={(event) => choose(event.currentTarget.value)}>
        <optgroup label={say().common}>{common.map(entry)}</optgroup>
        <optgroup label={say().packs}>{PACKS.map(entry)}</optgroup>
        <option value="">{say().other}</option>
      </select>
      {free && (
        <>
          <input
            type="text"
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            value={asked.value ? "" : value}
            pattern="[A-Za-z_]{3,20}(\+[A-Za-z_]{3,20}){0,7}"
            title={say().hint}
            aria-label={say().codes}
            aria-describedby="about-codes"
            onChange={(event) => {
              asked.value = false;
              setOption(OPTION, event.currentTarget.value);
            }}
          />
          <p class="hint" id="about-codes">
            {say().hint}
          </p>
        </>
      )}
    </div>
  );
}

/** "Russian + English", with the first letter as in a list. */
function inWords(packs: string): string {
  const names = new Intl.DisplayNames(language.value, { type: "language" });
  const words = packs.split("+").map((each) => (NAMES[each] ? (names.of(NAMES[each]) ?? each) : each));
  const text = words.join(" + ");
  return text.charAt(0).toLocaleUpperCase(language.value) + text.slice(1);
}
