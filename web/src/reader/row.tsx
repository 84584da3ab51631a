// One page: its image with the blocks' boxes, and beside it what was read.

import { useEffect } from "preact/hooks";
import type { PageSummary } from "../api/types";
import { counted, sentences } from "../i18n";
import { Confidence, VerdictMark, bandOf } from "../ui/confidence";
import { FailureNotice } from "../ui/notice";
import { PageImage } from "./image";
import type { Columns } from "./offsets";
import { TextPanel } from "./panel";
import { useReader } from "./state";

const say = sentences({
  en: {
    page: (number: number) => `Page ${number}`,
    again: "Try again",
    corrections: (count: number) => counted(count, "correction", "corrections"),
  },
  ru: {
    page: (number: number) => `Страница ${number}`,
    again: "Повторить",
    corrections: (count: number) => counted(count, "исправление", "исправления", "исправлений"),
  },
});

export function PageRow({ summary, wide, height }: { summary: PageSummary; wide: Columns; height: number }) {
  const reader = useReader();
  const { page_number: number, verdict, confidence, corrections } = summary;
  const known = reader.cache.of(number);
  const failure = known.failure.value;
  const gone = reader.cache.gone.value !== null;
  const kept = reader.followed.value.job?.keep_document ?? false;
  const width = kept && summary.width ? Math.min(wide.image, summary.width) : 0;
  useEffect(() => reader.cache.load(number, width), [known, width, failure === null, gone]);
  const title = `page-${number}`;
  const one = wide.narrow ? reader.side.value : null;
  return (
    <article class="page-row" aria-labelledby={title} aria-busy={!known.page.value && failure === null && !gone}>
      <header>
        <h2 id={title}>{say().page(number)}</h2>
        {verdict === "ok" ? bandOf(confidence) !== "sure" && <Confidence value={confidence} /> : <VerdictMark verdict={verdict} />}
        {corrections > 0 && <span class="corrected">✎ {say().corrections(corrections)}</span>}
      </header>
      {failure !== null && (
        <FailureNotice failure={failure}>
          <button type="button" onClick={() => (known.failure.value = null)}>
            {say().again}
          </button>
        </FailureNotice>
      )}
      <div class="panels" style={{ height: `${height}px`, gridTemplateColumns: wide.narrow ? "1fr" : `${Math.round(wide.column)}px 1fr` }}>
        {one !== "text" && <PageImage known={known} summary={summary} kept={kept} width={wide.image} column={wide.column} />}
        {one !== "image" && <TextPanel known={known} summary={summary} />}
      </div>
    </article>
  );
}
