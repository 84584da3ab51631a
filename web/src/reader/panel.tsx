// What was read on a page: block by block, as Markdown, or as JSON.

import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Page, PageSummary } from "../api/types";
import { sentences } from "../i18n";
import { sourceHtml, toHtml } from "../text/markdown";
import { Rendered } from "../text/rendered";
import { TextBlock } from "./block";
import type { Kept } from "./cache";
import { blockId, reveal } from "./places";
import { useReader } from "./state";

const say = sentences({
  en: {
    text: (number: number) => `Text of page ${number}`,
    blank: "This page is blank: there was nothing to read on it.",
    failed: "This page could not be read.",
    nothing: "Nothing was read on this page.",
  },
  ru: {
    text: (number: number) => `Текст страницы ${number}`,
    blank: "Пустая страница: читать на ней нечего.",
    failed: "Эту страницу не удалось прочитать.",
    nothing: "На этой странице ничего не прочитано.",
  },
});

export function TextPanel({ known, summary }: { known: Kept; summary: PageSummary }) {
  const reader = useReader();
  const holder = useRef<HTMLElement>(null);
  const { page_number: number } = summary;
  const page = known.page.value;
  const coming = known.failure.value === null && reader.cache.gone.value === null;
  const lit = reader.lit.value;
  useEffect(() => {
    if (lit?.page === number && lit.from === "image") reveal(holder.current, blockId(number, lit.order));
  }, [lit, page]);
  useEffect(() => {
    const first = reader.find.value && holder.current?.querySelector<HTMLElement>("mark");
    if (first) holder.current?.scrollBy({ top: first.getBoundingClientRect().top - holder.current.getBoundingClientRect().top - 40 });
  }, [reader.find.value, reader.mode.value, page === null]);
  return (
    <section class="text-panel" ref={holder} tabIndex={0} aria-label={say().text(number)}>
      {page ? <Contents page={page} known={known} /> : coming && <div class="reading-soon" aria-hidden="true" />}
    </section>
  );
}

function Contents({ page, known }: { page: Page; known: Kept }) {
  const { mode, find } = useReader();
  if (page.verdict === "failed") return <Plight words={say().failed} told={page.error} />;
  if (mode.value === "json") return <Source text={JSON.stringify(page, null, 2)} find={find.value} />;
  if (mode.value === "markdown") return <Source text={page.markdown ?? ""} find={find.value} />;
  if (page.blocks?.length) {
    return (
      <ol class="blocks">
        {page.blocks.map((block) => (
          <TextBlock key={block.order} block={block} page={page} image={known.image} />
        ))}
      </ol>
    );
  }
  if (page.markdown) return <Whole markdown={page.markdown} />;
  return <Plight words={page.verdict === "blank" ? say().blank : say().nothing} told={page.error} />;
}

/** What a model gave without saying where on the page it stands. */
function Whole({ markdown }: { markdown: string }) {
  const html = useMemo(() => toHtml(markdown), [markdown]);
  return <Rendered html={html} find={useReader().find.value} />;
}

/** Text as it is, with what is searched for marked. */
function Source({ text, find }: { text: string; find: string }) {
  const html = useMemo(() => sourceHtml(text), [text]);
  return <Rendered html={html} find={find} />;
}

function Plight({ words, told }: { words: string; told: string | null }) {
  return (
    <div class="plight">
      <p>{words}</p>
      {told && <p class="told">{told}</p>}
    </div>
  );
}
