// Text of documents and models → markup that may be shown: Markdown (GitHub's flavour) with formulas, tables, single formulas.

import { Marked, type MarkedExtension, type MarkedOptions } from "marked";
import "./rendered.css";
import { carefully } from "./careful";
import { clean, type Markup } from "./clean";
import { escaped } from "./escape";
import { formulaBlock, formulaInline, formulasIn, mathml } from "./formulas";

const MOST = 400_000; // characters; what is longer is shown as it is, unrendered

const common: MarkedExtension = {
  gfm: true,
  breaks: true, // a line of a document is a line
  hooks: { provideLexer: (blocks = true) => (text, options) => carefully(text, blocks, options as MarkedOptions) },
  extensions: [formulaBlock, formulaInline],
  renderer: {
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "), // a form's part would be taken out
    table(token) {
      const row = (cells: typeof token.header) => `<tr>${cells.map((cell) => this.tablecell(cell)).join("")}</tr>`;
      const body = token.rows.map(row).join("");
      return `<div class="scroll" tabindex="0"><table><thead>${row(token.header)}</thead><tbody>${body}</tbody></table></div>`;
    },
  },
};
const whole = new Marked(common);
const literal = new Marked(common, { renderer: { html: ({ text }) => escaped(text) } });

/** Markdown, with HTML in it. `figures` maps the names of images to addresses (`blob:`); other images are told by their words. */
export function toHtml(markdown: string, figures?: ReadonlyMap<string, string>): Markup {
  return clean(parsed(markdown, (text) => whole.parse(text, { async: false })), figures);
}

/** The text of one block: Markdown whose HTML stays what stands on the page. */
export function textHtml(content: string): Markup {
  return clean(parsed(content, (text) => literal.parse(text, { async: false })));
}

/** A heading's text: formulas and emphasis, but "2. Notes" is no list. */
export function headingHtml(content: string): Markup {
  return clean(parsed(content, (text) => literal.parseInline(text, { async: false })));
}

/** The text of one block in which every character means itself. */
export function plainHtml(content: string): Markup {
  return clean(escaped(content));
}

/** A block whose format is `table-html`; formulas in its cells are drawn where it is not `plain`. */
export function tableHtml(content: string, plain: boolean): Markup {
  return clean(`<div class="scroll" tabindex="0">${plain ? content : formulasIn(content)}</div>`);
}

/** A block whose format is `latex`, with or without the marks of a formula around it. */
export function formula(latex: string): Markup {
  const bare = latex.trim().replace(/^(?:\$\$([\s\S]*)\$\$|\$([\s\S]*)\$|\\\[([\s\S]*)\\\]|\\\(([\s\S]*)\\\))$/, "$1$2$3$4");
  return clean(`<div class="scroll" tabindex="0">${mathml(bare, true)}</div>`);
}

/** Text as it is, in a typewriter's letters. */
export function sourceHtml(text: string): Markup {
  return clean(`<pre>${escaped(text)}</pre>`);
}

function parsed(text: string, parse: (text: string) => string): string {
  try {
    if (text.length <= MOST) return parse(text);
  } catch {
    // nested deeper than the parser goes
  }
  return `<pre>${escaped(text)}</pre>`;
}
