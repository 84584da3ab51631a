// HTML in a string → the same with listed tags and attributes only, each written out properly.
//
// The sanitiser parses what it is given in a document that inherits the page's policy: a style attribute or an event handler
// would do nothing, yet the browser would report it as a violation. So none of them gets that far.

const NAME = /<(\/?)([a-z][a-z0-9-]*)/iy;
const ATTRIBUTE = /[\s/]+([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>`]+)))?/y;
/** Tags whose end HTML lets one leave out, or that have none. */
const LOOSE = new Set(["br", "caption", "col", "colgroup", "dd", "dt", "hr", "img", "li", "p", "tbody", "td", "tfoot", "th", "thead", "tr"]);
const DEEPEST = 200; // browsers cut at 512; a hostile nest takes the sanitiser seconds
const END = /[\s/]*>/y;

export function listedOnly(html: string, tags: ReadonlySet<string>, attributes: ReadonlySet<string>): string {
  const out: string[] = [];
  let [at, depth] = [0, 0];
  let commentsEnd = html.includes("-->");
  while (at < html.length) {
    const next = html.indexOf("<", at);
    if (next < 0) break;
    out.push(html.slice(at, next));
    if (commentsEnd && html.startsWith("<!--", next)) {
      const end = html.indexOf("-->", next + 4);
      commentsEnd = end >= 0;
      at = commentsEnd ? end + 3 : next;
      if (commentsEnd) continue;
    }
    const tag = tagAt(html, next, attributes);
    if (!tag) out.push("&lt;");
    else if (tags.has(tag.name)) {
      if (!LOOSE.has(tag.name)) depth = Math.max(0, depth + (tag.closing ? -1 : 1));
      if (depth <= DEEPEST) out.push(tag.written);
    }
    at = tag ? tag.end : next + 1;
  }
  out.push(html.slice(at));
  return out.join("");
}

function tagAt(html: string, start: number, listed: ReadonlySet<string>): { name: string; closing: boolean; written: string; end: number } | null {
  const head = matchAt(NAME, html, start);
  if (!head) return null;
  const name = (head[2] ?? "").toLowerCase();
  let written = `<${head[1]}${name}`;
  let end = start + head[0].length;
  for (let each = matchAt(ATTRIBUTE, html, end); each; each = matchAt(ATTRIBUTE, html, end)) {
    const attribute = (each[1] ?? "").toLowerCase();
    const value = each[2] ?? each[3] ?? each[4] ?? "";
    if (!head[1] && listed.has(attribute)) written += ` ${attribute}="${value.replaceAll('"', "&quot;").replaceAll("<", "&lt;")}"`;
    end += each[0].length;
  }
  const close = matchAt(END, html, end);
  return close ? { name, closing: head[1] === "/", written: `${written}>`, end: end + close[0].length } : null;
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
