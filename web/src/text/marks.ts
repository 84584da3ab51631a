// What is searched for, marked where it stands in markup that is already on the page.

/** Put a <mark> around every place, upper and lower case alike; takes earlier ones away first. */
export function mark(root: HTMLElement, find: string): void {
  unmark(root);
  const wanted = find.trim();
  if (!wanted) return;
  const pattern = new RegExp(wanted.split(/\s+/).map(literally).join("\\s+"), "giu");
  const { texts, whole } = textOf(root);
  const places = [...whole.matchAll(pattern)].map((found) => [found.index, found.index + found[0].length] as const);
  let start = 0;
  for (const text of texts) {
    const end = start + text.data.length;
    const within = places.filter(([from, to]) => from < end && to > start); // a place may reach over several elements
    for (const [from, to] of within.reverse()) wrap(text, Math.max(from, start) - start, Math.min(to, end) - start);
    start = end;
  }
}

const literally = (word: string) => word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

function unmark(root: HTMLElement): void {
  for (const old of root.querySelectorAll("mark.found")) old.replaceWith(...old.childNodes);
  root.normalize();
}

function textOf(root: HTMLElement): { texts: Text[]; whole: string } {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walker.nextNode()) texts.push(walker.currentNode as Text);
  return { texts, whole: texts.map((each) => each.data).join("") };
}

function wrap(text: Text, from: number, to: number): void {
  if (text.parentElement?.closest("math") || from >= to) return;
  const place = text.splitText(from);
  place.splitText(to - from);
  const made = document.createElement("mark");
  made.className = "found";
  place.replaceWith(made);
  made.append(place);
}
