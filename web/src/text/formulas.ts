// Formulas: where they begin and end in Markdown, and LaTeX → MathML, which the browser draws by itself.

import type { TokenizerAndRendererExtension } from "marked";
import temml from "temml";
import { escaped } from "./escape";

const MOST = 20_000; // characters; what is longer is no formula, and its source is shown
const AHEAD = 1_000; // characters of plain text taken at a time, so that a long paragraph is not searched again and again

// None looks further than the next mark that opens a formula, so that many of those take no more time than one.
const BLOCK = /^ {0,3}(?:\$\$([^$]+?)\$\$|\\\[((?:(?!\\[[\]])[\s\S])+)\\\])[ \t]*(?:\n|$)/;
const DISPLAY = /^(?:\$\$([^$]+?)\$\$|\\\[((?:(?!\\[[\]])[\s\S])+)\\\])/;
/** As in Pandoc: no space inside the dollars, no digit after them. "$5 and $6" stays text. */
const INLINE = /^(?:\$(?![\s$])((?:\\[\s\S]|[^\\$\n])+?)(?<!\s)\$(?![\d$])|\\\(((?:(?!\\[()]).)+)\\\))/;

const ANYWHERE = new RegExp(INLINE.source.slice(1), "g");

/** LaTeX as MathML. A broken formula is shown as its source. */
export function mathml(latex: string, display: boolean): string {
  try {
    if (latex.length > MOST) throw new RangeError("too long");
    return dressed(temml.renderToString(latex, { displayMode: display, trust: false, throwOnError: true, maxExpand: 500 }));
  } catch {
    return `<code class="broken-formula">${escaped(latex)}</code>`;
  }
}

/** Temml writes lines and tight columns as style attributes, which the page's policy forbids: as classes instead. */
function dressed(math: string): string {
  return math.replace(/<(m[a-z]+)([^<>]*?) style="([^"]*)"/g, (_, name: string, attributes: string, style: string) => {
    const classes = [...style.matchAll(/border-(top|bottom|left|right):/g)].map(([, side]) => `tml-line-${side}`);
    if (/padding-left:0/.test(style)) classes.push("tml-tight-left");
    if (/padding-right:0/.test(style)) classes.push("tml-tight-right");
    if (!classes.length) return `<${name}${attributes}`;
    const known = / class="([^"]*)"/.exec(attributes)?.[1];
    return `<${name}${attributes.replace(/ class="[^"]*"/, "")} class="${[known, ...classes].filter(Boolean).join(" ")}"`;
  });
}

const taken = (type: string, found: RegExpExecArray | null) =>
  found ? { type, raw: found[0], latex: (found[1] ?? found[2] ?? "").trim() } : undefined;

const ENTITIES: Record<string, string> = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'" };

/** Formulas in the text of HTML, as models write them into the cells of tables. */
export function formulasIn(html: string): string {
  const bare = (latex: string) => latex.replace(/&(?:amp|lt|gt|quot|#39);/g, (each) => ENTITIES[each] ?? each);
  return html.replace(/(?<=>)[^<]*[$\\][^<]*/g, (text) => text.replace(ANYWHERE, (_, a?: string, b?: string) => mathml(bare(a ?? b ?? ""), false)));
}

export const formulaBlock: TokenizerAndRendererExtension = {
  name: "formulaBlock",
  level: "block",
  start(text) {
    const near = [...text.slice(0, AHEAD).matchAll(/\n(?= {0,3}(?:\$\$|\\\[))/g)];
    return near.find(({ index }) => BLOCK.test(text.slice(index + 1, index + 1 + MOST)))?.index; // a paragraph goes on over anything else
  },
  tokenizer: (text) => taken("formulaBlock", BLOCK.exec(text)),
  renderer: (token) => `<div class="scroll" tabindex="0">${mathml(String(token["latex"]), true)}</div>\n`,
};

export const formulaInline: TokenizerAndRendererExtension = {
  name: "formulaInline",
  level: "inline",
  start(text) {
    const near = text.slice(0, AHEAD);
    const at = near.search(/\$|\\[([]/);
    return at >= 0 ? at : near.length < text.length ? AHEAD : undefined;
  },
  tokenizer(text) {
    const display = taken("formulaInline", DISPLAY.exec(text));
    return display ?? taken("formulaInline", INLINE.exec(text));
  },
  renderer: (token) => mathml(String(token["latex"]), /^(?:\$\$|\\\[)/.test(token.raw)),
};
