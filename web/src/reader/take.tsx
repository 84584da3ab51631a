// To take away: a page's text on the clipboard, the whole document as a file.

import { page, result } from "../api/jobs";
import type { Format } from "../api/types";
import { sentences } from "../i18n";
import { announce } from "../ui/announce";
import { copy } from "../ui/copy";
import { save } from "../ui/save";
import { Menu } from "./menu";
import { useReader } from "./state";

const say = sentences({
  en: {
    copy: "Copy page",
    asText: "Plain text",
    asMarkdown: "Markdown",
    copied: (number: number) => `Page ${number} is on the clipboard`,
    download: "Download",
    saved: (name: string) => `Saved: ${name}`,
    md: "Markdown (.md)",
    text: "Plain text (.txt)",
    html: "Web page (.html)",
    xlsx: "Tables for Excel (.xlsx)",
    csv: "Tables as CSV (.csv)",
    json: "Everything as JSON (.json)",
    zip: "All of it, with pictures (.zip)",
  },
  ru: {
    copy: "Копировать",
    asText: "Простой текст",
    asMarkdown: "Markdown",
    copied: (number: number) => `Страница ${number} в буфере обмена`,
    download: "Скачать",
    saved: (name: string) => `Сохранено: ${name}`,
    md: "Markdown (.md)",
    text: "Простой текст (.txt)",
    html: "Веб-страница (.html)",
    xlsx: "Таблицы для Excel (.xlsx)",
    csv: "Таблицы в CSV (.csv)",
    json: "Всё в JSON (.json)",
    zip: "Всё вместе, с рисунками (.zip)",
  },
});

const FORMATS: Format[] = ["md", "text", "html", "xlsx", "csv", "json", "zip"];

/** `tell` is given what went wrong, or null before each attempt. */
export function TakeAway({ tell }: { tell: (failure: unknown) => void }) {
  const reader = useReader();
  const trying = (act: () => Promise<void>) => () => (tell(null), act().catch(tell));
  const copyPage = (form: "text" | "markdown") =>
    trying(async () => {
      const number = reader.current.value;
      const known = reader.cache.of(number).page.value ?? (await page(reader.job, reader.file, number));
      await copy(known[form] ?? "");
      announce(say().copied(number));
    });
  const download = (format: Format) =>
    trying(async () => {
      const { name, content } = await result(reader.job, reader.file, format);
      save(name, content);
      announce(say().saved(name));
    });
  return (
    <>
      <Menu name={say().copy}>
        <button type="button" onClick={copyPage("text")}>
          {say().asText}
        </button>
        <button type="button" onClick={copyPage("markdown")}>
          {say().asMarkdown}
        </button>
      </Menu>
      <Menu name={say().download}>
        {FORMATS.map((format) => (
          <button key={format} type="button" onClick={download(format)}>
            {say()[format]}
          </button>
        ))}
      </Menu>
    </>
  );
}
