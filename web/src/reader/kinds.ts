// What a block is, as a word. The names are the layout models' own.

import { language } from "../i18n";

type Words = [en: string, ru: string];

const TITLE: Words = ["title", "заглавие"];
const HEADING: Words = ["heading", "заголовок"];
const PICTURE: Words = ["picture", "рисунок"];
const FORMULA: Words = ["formula", "формула"];
const CAPTION: Words = ["caption", "подпись"];
const FOOTNOTE: Words = ["footnote", "сноска"];
const NUMBER: Words = ["page number", "номер страницы"];

const KINDS: Record<string, Words> = {
  doc_title: TITLE,
  title: TITLE,
  paragraph_title: HEADING,
  sub_title: HEADING,
  text: ["text", "текст"],
  abstract: ["abstract", "аннотация"],
  content: ["contents", "оглавление"],
  list: ["list", "список"],
  table: ["table", "таблица"],
  image: PICTURE,
  figure: PICTURE,
  chart: ["chart", "диаграмма"],
  seal: ["seal", "печать"],
  formula: FORMULA,
  display_formula: FORMULA,
  inline_formula: FORMULA,
  formula_number: ["formula number", "номер формулы"],
  figure_title: CAPTION,
  figure_caption: CAPTION,
  table_title: CAPTION,
  table_caption: CAPTION,
  chart_title: CAPTION,
  image_caption: CAPTION,
  header: ["page header", "верхний колонтитул"],
  footer: ["page footer", "нижний колонтитул"],
  footnote: FOOTNOTE,
  vision_footnote: FOOTNOTE,
  number: NUMBER,
  page_number: NUMBER,
  reference: ["references", "литература"],
  reference_content: ["reference", "источник"],
  code: ["code", "код"],
  algorithm: ["algorithm", "алгоритм"],
};

export function kindOf(type: string): string {
  const known = Object.hasOwn(KINDS, type) ? KINDS[type] : undefined;
  return known ? known[language.value === "ru" ? 1 : 0] : type.replaceAll("_", " ");
}

/** Whether a block is a heading, and which; null for anything else. */
export function headingOf(type: string): "title" | "heading" | null {
  if (KINDS[type] === TITLE) return "title";
  return KINDS[type] === HEADING ? "heading" : null;
}
