// What differs between two texts, word by word, laid out in rows that stand beside each other.

import { diffArrays } from "diff";

/** `difference` counts the places that differ from 0; null where both texts have the same. */
export interface Segment {
  text: string;
  difference: number | null;
}

export interface Row {
  left: Segment[];
  right: Segment[];
  differs: boolean;
}

export interface Comparison {
  rows: Row[];
  /** Places that differ. */
  differences: number;
  /** Words that differ. */
  words: number;
  /** Share of the words that both have, 0–1. */
  same: number;
  /** Some places were too long and too different to be held against each other word by word. */
  coarse: boolean;
}

interface Token {
  /** White space before it. */
  space: string;
  word: string;
}

/** So many tokens that are the same, or so many of the left in whose place stand so many of the right. */
type Run = { same: true; count: number } | { same: false; left: number; right: number; coarse?: boolean };

const TASK_MS = 150; // no longer at a time, or else the page would stand still
const ALL_MS = 2000;
const TOKEN = /(\s*)([\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{M}\p{N}_]+(?:(?:['’-]|(?<=\p{N})[.,](?=\p{N}))[\p{L}\p{M}\p{N}_]+)*|\S)/gu;
const WORD = /[\p{L}\p{N}]/u;

/** Texts that are long and very different are held against each other line by line where word by word takes too long. */
export async function compare(left: string, right: string): Promise<Comparison> {
  const [ours, theirs] = [tokens(left), tokens(right)];
  const runs = align(words(ours), words(theirs)) ?? (await alignByLines(ours, theirs));
  return { ...layOut(ours, theirs, runs), coarse: runs.some((run) => !run.same && run.coarse) };
}

function tokens(text: string): Token[] {
  return [...text.matchAll(TOKEN)].map(([, space = "", word = ""]) => ({ space, word }));
}

function words(of: Token[]): string[] {
  return of.map((token) => token.word);
}

/** Undefined where it takes too long. */
function align(left: string[], right: string[]): Run[] | undefined {
  const changes = diffArrays(left, right, { timeout: TASK_MS });
  if (!changes) return undefined;
  const runs: Run[] = [];
  for (const { added, removed, count } of changes) {
    const last = runs.at(-1);
    if (!added && !removed) runs.push({ same: true, count });
    else if (last && !last.same) last[added ? "right" : "left"] += count;
    else runs.push({ same: false, left: removed ? count : 0, right: added ? count : 0 });
  }
  return runs;
}

async function alignByLines(left: Token[], right: Token[]): Promise<Run[]> {
  const [ours, theirs] = [lines(left), lines(right)];
  const until = performance.now() + ALL_MS;
  await breath();
  const coarse = align(ours.map(inOne), theirs.map(inOne)) ?? [{ same: false, left: ours.length, right: theirs.length }];
  const runs: Run[] = [];
  let [i, j] = [0, 0];
  for (const run of coarse) {
    const [a, b] = run.same ? [run.count, run.count] : [run.left, run.right];
    const [mine, other] = [ours.slice(i, i + a).flat(), theirs.slice(j, j + b).flat()];
    [i, j] = [i + a, j + b];
    if (run.same) runs.push({ same: true, count: mine.length });
    else {
      await breath();
      const finer = performance.now() < until ? align(words(mine), words(other)) : undefined;
      runs.push(...(finer ?? [{ same: false as const, left: mine.length, right: other.length, coarse: true }]));
    }
  }
  return runs;
}

/** Let the page do what else it has to. */
function breath(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

function lines(of: Token[]): Token[][] {
  const found: Token[][] = [];
  for (const token of of) {
    const last = found.at(-1);
    if (last && !token.space.includes("\n")) last.push(token);
    else found.push([token]);
  }
  return found;
}

function inOne(line: Token[]): string {
  return words(line).join(" ");
}

/** A new row begins where both texts begin a new line. */
function layOut(left: Token[], right: Token[], runs: Run[]): Omit<Comparison, "coarse"> {
  const rows: Row[] = [];
  let row: Row = { left: [], right: [], differs: false };
  const begin = () => {
    if (row.left.length || row.right.length) rows.push(row);
    row = { left: [], right: [], differs: false };
  };
  let [i, j, differences, differing, common] = [0, 0, 0, 0, 0];
  for (const run of runs) {
    if (run.same) {
      for (let count = run.count; count > 0; count -= 1) {
        const [mine, other] = [left[i++], right[j++]];
        if (!mine || !other) break;
        if (mine.space.includes("\n") && other.space.includes("\n")) begin();
        add(row.left, mine, null);
        add(row.right, other, null);
        common += isWord(mine) ? 1 : 0;
      }
      continue;
    }
    const [mine, other] = [left.slice(i, i + run.left), right.slice(j, j + run.right)];
    [i, j] = [i + run.left, j + run.right];
    if ([mine[0], other[0]].every((first) => !first || first.space.includes("\n"))) begin();
    for (const token of mine) add(row.left, token, differences);
    for (const token of other) add(row.right, token, differences);
    row.differs = true;
    differences += 1;
    differing += Math.max(mine.filter(isWord).length, other.filter(isWord).length);
  }
  begin();
  const all = left.filter(isWord).length + right.filter(isWord).length;
  return { rows, differences, words: differing, same: all ? (2 * common) / all : differences ? 0 : 1 };
}

function add(to: Segment[], token: Token, difference: number | null): void {
  const last = to.at(-1);
  if (last?.difference === difference) last.text += token.space + token.word;
  else if (difference === null) to.push({ text: (last ? token.space : "") + token.word, difference });
  else {
    if (last?.difference === null) last.text += token.space; // the space before it is not what differs
    else if (last) to.push({ text: token.space, difference: null });
    to.push({ text: token.word, difference });
  }
}

function isWord(token: Token): boolean {
  return WORD.test(token.word);
}
