// A page's image with a box for each block, in reading order. Boxes tell their confidence by the kind of line as well.

import { useEffect, useRef } from "preact/hooks";
import type { Block, PageSummary } from "../api/types";
import { figure, sentences } from "../i18n";
import { bandOf } from "../ui/confidence";
import type { Kept } from "./cache";
import { kindOf } from "./kinds";
import { blockId, boxId, reveal } from "./places";
import { useReader } from "./state";

const say = sentences({
  en: {
    image: (number: number) => `Page ${number} as an image`,
    blocks: (number: number) => `Blocks of page ${number} in the image`,
    gone: "This page has no image.",
    notKept: "The document itself was not kept, so there is no image of its pages.",
    box: (order: number, kind: string) => `Block ${order}, ${kind}`,
    sure: "sure",
    look: "have a look",
    doubtful: "doubtful",
    unknown: "confidence not measured",
  },
  ru: {
    image: (number: number) => `Изображение страницы ${number}`,
    blocks: (number: number) => `Блоки страницы ${number} на изображении`,
    gone: "У этой страницы нет изображения.",
    notKept: "Сам документ не сохранён, поэтому изображений страниц нет.",
    box: (order: number, kind: string) => `Блок ${order}, ${kind}`,
    sure: "надёжно",
    look: "проверьте",
    doubtful: "сомнительно",
    unknown: "уверенность не измерена",
  },
});

export function PageImage({ known, summary, kept, width, column }: { known: Kept; summary: PageSummary; kept: boolean; width: number; column: number }) {
  const reader = useReader();
  const holder = useRef<HTMLDivElement>(null);
  const { page_number: number } = summary;
  const lit = reader.lit.value;
  useEffect(() => {
    if (lit?.page === number && lit.from === "text") reveal(holder.current, boxId(number, lit.order));
  }, [lit]);
  if (!kept) return <div class="sheet-holder faint">{say().notKept}</div>;
  if (!summary.width || !summary.height) return <div class="sheet-holder faint">{say().gone}</div>;
  const blocks = reader.boxes.value ? (known.page.value?.blocks ?? []) : [];
  const height = (width * summary.height) / summary.width;
  return (
    <div class="sheet-holder" ref={holder} {...(width > column + 1 || !blocks.length ? { tabIndex: 0, role: "group", "aria-label": say().image(number) } : {})}>
      <div class="page-sheet" style={{ width: `${width}px`, height: `${height}px` }}>
        {known.image.value && <img src={known.image.value} alt={say().image(number)} draggable={false} />}
        {blocks.length > 0 && (
          <div role="group" aria-label={say().blocks(number)}>
            {blocks.map((block) => (
              <Box key={block.order} block={block} summary={summary} lit={lit?.page === number && lit.order === block.order} />
            ))}
          </div>
        )}
      </div>
    </div>
  );
}

function Box({ block, summary, lit }: { block: Block; summary: PageSummary; lit: boolean }) {
  const reader = useReader();
  const page = summary.page_number;
  const [x0, y0, x1, y1] = block.bbox;
  const band = bandOf(block.confidence);
  const [across, down] = [100 / summary.width, 100 / summary.height];
  const place = { left: `${x0 * across}%`, top: `${y0 * down}%`, width: `${(x1 - x0) * across}%`, height: `${(y1 - y0) * down}%` };
  const sure = block.confidence === null ? "" : ` ${figure(Math.floor(block.confidence * 100))} %`;
  const name = `${say().box(block.order + 1, kindOf(block.type))}: ${say()[band]}${sure}`;
  const show = () => reader.light(page, block.order, "image");
  const open = () => {
    reader.side.value = "text";
    show();
    requestAnimationFrame(() => document.getElementById(blockId(page, block.order))?.focus({ preventScroll: true }));
  };
  return (
    <button
      type="button"
      id={boxId(page, block.order)}
      class={`box ${band}${lit ? " lit" : ""}`}
      aria-label={name}
      title={name}
      style={place}
      onMouseEnter={show}
      onMouseLeave={() => reader.dim(page, block.order)}
      onFocus={show}
      onBlur={() => reader.dim(page, block.order)}
      onClick={open}
    >
      <span aria-hidden="true">{block.order + 1}</span>
    </button>
  );
}
