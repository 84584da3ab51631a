// The one way from a string to markup: whatever a document, a model or a file name says, only what is listed here stays.

import DOMPurify, { type Config } from "dompurify";
import { listedOnly } from "./tags";

/** Sanitised. Where the browser knows Trusted Types it is one of these, and a string as far as JSX is concerned. */
export type Markup = string;

const TAGS = new Set([
  ...["a", "abbr", "b", "blockquote", "br", "caption", "code", "col", "colgroup", "dd", "del", "div", "dl", "dt", "em", "figcaption"],
  ...["figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp"],
  ...["small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul", "var"],
  ...["math", "menclose", "merror", "mfrac", "mi", "mmultiscripts", "mn", "mo", "mover", "mpadded", "mphantom", "mprescripts", "mroot"],
  ...["mrow", "ms", "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext", "mtr", "munder", "munderover"],
]);
const ATTRIBUTES = new Set([
  ...["align", "alt", "class", "colspan", "dir", "href", "lang", "rowspan", "src", "start", "tabindex"],
  ...["accent", "accentunder", "columnalign", "columnspan", "depth", "display", "displaystyle", "fence", "form", "height", "largeop"],
  ...["linethickness", "lspace", "mathvariant", "maxsize", "minsize", "movablelimits", "rspace", "scriptlevel", "separator"],
  ...["stretchy", "symmetric", "voffset", "width"],
]);
const CONFIG: Config = { ALLOWED_TAGS: [...TAGS], ALLOWED_ATTR: [...ATTRIBUTES], ALLOW_DATA_ATTR: false, ALLOW_ARIA_ATTR: false };
/** Classes that our own style sheets know; a document cannot dress its text up as a part of the page. */
const CLASSES = /^(?:scroll|broken-formula|tml-[a-z-]+)$/;
const LINK = /^(?:https?:\/\/|mailto:)/i;

const NO_FIGURES: ReadonlyMap<string, string> = new Map();
let figures = NO_FIGURES; // of the call at work: DOMPurify's hooks take no argument

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  const classes = node.getAttribute("class");
  if (classes !== null) keepClasses(node, classes);
  if (node.hasAttribute("tabindex") && !node.classList.contains("scroll")) node.removeAttribute("tabindex");
  if (node.nodeName === "A") tameLink(node);
  else node.removeAttribute("href"); // MathML has links on anything
  if (node.nodeName === "IMG") tameImage(node);
  else node.removeAttribute("src");
});

/** The markup that may be shown. `known` maps the names of figures to addresses; any other image becomes its words. */
export function clean(html: string, known = NO_FIGURES): Markup {
  return within(known, () => sanitised(html));
}

/** The same as nodes, to be worked on. */
export function cleanNodes(html: string): DocumentFragment {
  return within(NO_FIGURES, () => DOMPurify.sanitize(listedOnly(html, TAGS, ATTRIBUTES), { ...CONFIG, RETURN_DOM_FRAGMENT: true }));
}

const sanitised = (html: string) =>
  DOMPurify.sanitize(listedOnly(html, TAGS, ATTRIBUTES), { ...CONFIG, RETURN_TRUSTED_TYPE: true }) as unknown as Markup;

function within<T>(known: ReadonlyMap<string, string>, run: () => T): T {
  figures = known;
  try {
    return run();
  } finally {
    figures = NO_FIGURES;
  }
}

function keepClasses(node: Element, classes: string): void {
  const kept = classes.split(/\s+/).filter((each) => CLASSES.test(each));
  if (kept.length) node.setAttribute("class", kept.join(" "));
  else node.removeAttribute("class");
}

function tameLink(link: Element): void {
  if (!LINK.test(link.getAttribute("href") ?? "")) {
    link.removeAttribute("href"); // a relative one would lead into this page
    return;
  }
  link.setAttribute("target", "_blank");
  link.setAttribute("rel", "noopener noreferrer");
}

function tameImage(image: Element): void {
  const name = image.getAttribute("src") ?? "";
  const found = figures.get(name) ?? figures.get(decoded(name));
  if (found) image.setAttribute("src", found);
  else image.replaceWith(image.getAttribute("alt") ?? "");
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
