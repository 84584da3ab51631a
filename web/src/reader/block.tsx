// One block in the text: rendered after its format, linked with its box, and corrected where it is wrong.

import type { Signal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Block, Page } from "../api/types";
import { sentences } from "../i18n";
import { formula, headingHtml, plainHtml, tableHtml, textHtml } from "../text/markdown";
import { Rendered } from "../text/rendered";
import { Confidence, VerdictMark, bandOf } from "../ui/confidence";
import { beginDraft, draftKey, drafts } from "./drafts";
import { Editor } from "./editor";
import { headingOf, kindOf } from "./kinds";
import { blockId, boxId } from "./places";
import { useReader } from "./state";

const say = sentences({
  en: {
    edit: "Edit",
    editBlock: (order: number, kind: string) => `Edit block ${order}, ${kind}`,
    corrected: "corrected",
    empty: (kind: string) => `Nothing was read in this ${kind}.`,
    picture: (order: number) => `Picture of block ${order}`,
  },
  ru: {
    edit: "Править",
    editBlock: (order: number, kind: string) => `Править блок ${order}, ${kind}`,
    corrected: "исправлено",
    empty: (kind: string) => `В этом блоке (${kind}) ничего не прочитано.`,
    picture: (order: number) => `Рисунок, блок ${order}`,
  },
});

export function TextBlock({ block, page, image }: { block: Block; page: Page; image: Signal<string | null> }) {
  const reader = useReader();
  const item = useRef<HTMLLIElement>(null);
  const number = page.page_number;
  const key = draftKey(reader.job, reader.file, number, block.order);
  const draft = drafts.value.get(key);
  const editing = draft !== undefined;
  const was = useRef(editing);
  useEffect(() => {
    if (was.current && !editing) item.current?.focus({ preventScroll: true });
    was.current = editing;
  }, [editing]);
  const lit = reader.lit.value?.page === number && reader.lit.value.order === block.order;
  const editable = block.format !== "image";
  const edit = () => beginDraft(key, block.content);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== item.current) return;
    if (event.key === "Enter" && editable) event.preventDefault(), edit();
    if (event.key === "Escape") document.getElementById(boxId(number, block.order))?.focus();
  };
  const kind = kindOf(block.type);
  const show = () => reader.light(number, block.order, "text");
  const dim = () => reader.dim(number, block.order);
  return (
    <li
      ref={item}
      id={blockId(number, block.order)}
      class={`block${lit ? " lit" : ""}${editing ? " editing" : ""}`}
      tabIndex={-1}
      onMouseEnter={show}
      onMouseLeave={dim}
      onFocusIn={show}
      onFocusOut={dim}
      onKeyDown={onKeyDown}
    >
      <span class="order" title={kind}>
        {block.order + 1}
      </span>
      <div class="content">
        {editing ? <Editor block={block} page={number} draft={draft.now} draftKey={key} /> : <Content block={block} page={page} image={image} />}
        {!editing && <Marks block={block} />}
      </div>
      {editable && !editing && (
        <button type="button" class="quiet edit" aria-label={say().editBlock(block.order + 1, kind)} onClick={edit}>
          {say().edit}
        </button>
      )}
    </li>
  );
}

/** Nothing for a block that is sure and as it was recognised. */
function Marks({ block }: { block: Block }) {
  const doubt = block.confidence !== null && bandOf(block.confidence) !== "sure";
  const verdict = block.verdict !== null && block.verdict !== "ok" && block.verdict !== "blank";
  if (!doubt && !verdict && block.original === null) return null;
  return (
    <p class="block-marks">
      {doubt && <Confidence value={block.confidence} />}
      {verdict && <VerdictMark verdict={block.verdict ?? "ok"} />}
      {block.original !== null && <span class="corrected">✎ {say().corrected}</span>}
    </p>
  );
}

function Content({ block, page, image }: { block: Block; page: Page; image: Signal<string | null> }) {
  const { content, format } = block;
  const heading = headingOf(block.type);
  const plain = page.block_markup === "plain";
  const html = useMemo(() => {
    if (format === "table-html") return tableHtml(content, plain);
    if (format === "latex") return formula(content);
    if (plain) return plainHtml(content);
    return heading === null ? textHtml(content) : headingHtml(content);
  }, [content, format, heading, plain]);
  const find = useReader().find.value;
  if (format === "image") return <Crop block={block} page={page} image={image.value} />;
  if (!content.trim()) return <p class="faint">{say().empty(kindOf(block.type))}</p>;
  const letters = plain && format === "text" ? "letters" : "";
  if (heading === null) {
    return (
      <div class={letters}>
        <Rendered html={html} find={find} />
      </div>
    );
  }
  return (
    <div role="heading" aria-level={3} class={`${heading} ${letters}`}>
      <Rendered html={html} find={find} />
    </div>
  );
}

/** A picture's part of the page's image. */
function Crop({ block, page, image }: { block: Block; page: Page; image: string | null }) {
  const [x0, y0, x1, y1] = block.bbox;
  const [width, height] = [Math.max(1, x1 - x0), Math.max(1, y1 - y0)];
  const part = (from: number, length: number, whole: number) => (whole > length ? (100 * from) / (whole - length) : 0);
  const style = {
    aspectRatio: `${width} / ${height}`,
    width: `min(100%, ${width}px)`,
    backgroundImage: image ? `url("${image}")` : "none",
    backgroundSize: `${(100 * page.width) / width}% ${(100 * page.height) / height}%`,
    backgroundPosition: `${part(x0, width, page.width)}% ${part(y0, height, page.height)}%`,
  };
  return <div class="crop" role="img" aria-label={say().picture(block.order + 1)} style={style} />;
}
