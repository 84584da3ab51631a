// When to choose which model, and in which languages they read, in plain words; from docs/models.md.

import { language } from "../i18n";

const ADVICE: Record<"en" | "ru", Partial<Record<string, string>>> = {
  en: {
    "pp-ocr": "No GPU, and text in Latin script, Chinese, Japanese or Greek. It has no Cyrillic letters.",
    tesseract: "No GPU, and Russian, or another language whose pack is installed: choose it under “Language of the document”.",
    "paddleocr-vl": "Tables, formulas and charts in many languages, on a GPU. Versions 1.5 and 1.6 read seals as well.",
    "paddleocr-vl-1.5": "Tables, formulas, charts and seals in many languages, on a GPU.",
    "paddleocr-vl-1.6": "A GPU, and the widest choice of languages; tables, formulas, charts and seals.",
    "deepseek-ocr": "A GPU, and whole pages with tables, formulas and figures.",
    "deepseek-ocr2": "A GPU, and your own questions to the page as a whole.",
    "glm-ocr": "A GPU, many regions read at once, and a measured confidence; eight languages, Russian among them.",
  },
  ru: {
    "pp-ocr": "Нет GPU, а текст латиницей, на китайском, японском или греческом. Кириллицы в ней нет.",
    tesseract: "Нет GPU, а текст на русском или другом языке, для которого установлен пакет: выберите его в поле «Язык документа».",
    "paddleocr-vl": "Таблицы, формулы и диаграммы на многих языках, на GPU. Версии 1.5 и 1.6 читают ещё и печати.",
    "paddleocr-vl-1.5": "Таблицы, формулы, диаграммы и печати на многих языках, на GPU.",
    "paddleocr-vl-1.6": "Есть GPU и нужен самый широкий выбор языков; таблицы, формулы, диаграммы и печати.",
    "deepseek-ocr": "Есть GPU и нужны страницы целиком с таблицами, формулами и рисунками.",
    "deepseek-ocr2": "Есть GPU и нужны собственные вопросы к странице в целом.",
    "glm-ocr": "Есть GPU и важны чтение многих областей сразу и измеренная уверенность; восемь языков, среди них русский.",
  },
};

const PHRASES: Partial<Record<string, string>> = {
  "European languages in Latin script": "европейские языки на латинице",
  "every language pack installed": "все языки, пакеты которых установлены",
};

const TITLES: Partial<Record<string, string>> = {
  "PP-OCRv6 small, detection and recognition, on the CPU": "PP-OCRv6 small: поиск и распознавание текста, на процессоре",
  "Tesseract 5, on the CPU": "Tesseract 5, на процессоре",
};

const TIBETAN = { en: "Tibetan", ru: "тибетский" }; // browsers do not know its name

/** Nothing for a model that is not known here. */
export function adviceOn(model: string): string | undefined {
  return ADVICE[language.value][model];
}

/** A model's title as the catalogue has it, in the language of the page where it is in words. */
export function titleInWords(title: string): string {
  return language.value === "ru" ? (TITLES[title] ?? title) : title;
}

/**
 * "English, Chinese, European languages in Latin script"; what the catalogue says in other words stays as it is.
 * `alone`: it begins with a capital letter, as no part of a sentence.
 */
export function languagesInWords(languages: string[], alone = true): string {
  const names = new Intl.DisplayNames(language.value, { type: "language" });
  const word = (each: string) => {
    if (/^[a-z]{2,3}$/.test(each)) return names.of(each) ?? each;
    return language.value === "ru" ? (PHRASES[each] ?? inRussian(each, names)) : named(each, names);
  };
  const all = languages.map(word).join(", ");
  return alone ? all.charAt(0).toLocaleUpperCase(language.value) + all.slice(1) : all;
}

/** "109 languages, among them ru, en" with the names in place of the codes. */
function named(phrase: string, names: Intl.DisplayNames): string {
  const [count, codes] = phrase.split(", among them ");
  return codes ? `${count}, among them ${listed(codes, names)}` : phrase;
}

function inRussian(phrase: string, names: Intl.DisplayNames): string {
  const [, about, count, codes] = /^(about )?(\d+) languages(?:, among them (.+))?$/.exec(phrase) ?? [];
  if (!count) return phrase;
  const forms = { one: about ? "языка" : "язык", few: about ? "языков" : "языка", many: "языков", other: "языков", zero: "языков", two: "языка" };
  const languages = forms[new Intl.PluralRules("ru").select(Number(count))];
  return `${about ? "около " : ""}${count} ${languages}${codes ? `, среди них ${listed(codes, names)}` : ""}`;
}

function listed(codes: string, names: Intl.DisplayNames): string {
  return codes
    .split(", ")
    .map((code) => (code === "bo" ? TIBETAN[language.value] : (names.of(code) ?? code)))
    .join(", ");
}
