// The files that wait to be sent. They outlive the view, and the moment at which a token is asked for.

import { signal } from "@preact/signals";
import { onSignOut } from "../forget";
import { newKey } from "./key";

export interface Chosen {
  id: string;
  file: File;
}

export const chosen = signal<Chosen[]>([]);
/** Names of those that the server does not read. */
export const leftOut = signal<string[]>([]);

onSignOut((unsent) => {
  if (!unsent) return;
  chosen.value = [];
  leftOut.value = [];
});

/** What the server reads; the type is found by content there. */
const TYPES = ["application/pdf", "image/png", "image/jpeg", "image/tiff", "image/bmp", "image/webp", "image/gif"];
export const ACCEPTED = [...TYPES, ".pdf", ".tif", ".tiff"].join();

const NAMED = /\.(pdf|png|jpe?g|tiff?|bmp|webp|gif)$/i;
/** Images of which a browser may not know the type. */
const OTHERS = /\.(hei[cf]|avif|jxl|svg)$/i;

/** Add files; each is there once only. */
export function add(files: Iterable<File>): number {
  const all = [...files];
  const good = all.filter(mayBeRead);
  leftOut.value = all.filter((each) => !mayBeRead(each)).map((each) => each.name);
  const fresh = good.filter((file) => !chosen.value.some((known) => isSame(known.file, file)));
  chosen.value = [...chosen.value, ...fresh.map((file) => ({ id: newKey(), file }))];
  return good.length;
}

export function takeOut(id: string): void {
  chosen.value = chosen.value.filter((each) => each.id !== id);
}

/** A picture from the clipboard is always called the same: here it gets a name of its own. */
export function named(pasted: File, name: string): File {
  if (pasted.name && !/^image\.\w+$/.test(pasted.name)) return pasted;
  return new File([pasted], `${name}.${pasted.type.split("/")[1] ?? "png"}`, { type: pasted.type, lastModified: Date.now() });
}

/** A type that the browser does not know is left to the server; so is a folder's, which is told when it is read. */
function mayBeRead({ type, name }: File): boolean {
  return TYPES.includes(type) || NAMED.test(name) || (type === "" && !OTHERS.test(name));
}

function isSame(one: File, other: File): boolean {
  return one.name === other.name && one.size === other.size && one.lastModified === other.lastModified;
}
