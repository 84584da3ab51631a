// Marked's lexer, kept from the inputs on which it takes time that grows with the square of their length, or nests for ever.

import { Lexer, type MarkedOptions, type Token, type TokensList } from "marked";

const PIECE = 4_000; // characters of running text looked at together; emphasis does not reach over the end of a piece
const DEEPEST = 50; // lists and quotations within each other

/** Markdown's tokens, of whole blocks or of one line. */
export function carefully(text: string, blocks: boolean, options: MarkedOptions): Token[] | TokensList {
  const lexer = new CarefulLexer(options);
  return blocks ? lexer.lex(text) : lexer.inlineTokens(text);
}

class CarefulLexer extends Lexer {
  private depth = 0;

  override blockTokens(text: string, tokens?: Token[], clipped?: boolean): Token[];
  override blockTokens(text: string, tokens?: TokensList, clipped?: boolean): TokensList;
  override blockTokens(text: string, tokens: Token[] = [], clipped?: boolean): Token[] {
    if (this.depth >= DEEPEST) {
      tokens.push({ type: "text", raw: text, text, escaped: false });
      return tokens;
    }
    this.depth += 1;
    try {
      return super.blockTokens(text, tokens, clipped);
    } finally {
      this.depth -= 1;
    }
  }

  override inlineTokens(text: string, tokens: Token[] = []): Token[] {
    for (const piece of pieces(text)) super.inlineTokens(piece, tokens);
    return tokens;
  }
}

function* pieces(text: string): Generator<string> {
  let start = 0;
  while (text.length - start > PIECE) {
    const end = cut(text, start, start + PIECE);
    yield text.slice(start, end);
    start = end;
  }
  yield text.slice(start);
}

function cut(text: string, start: number, end: number): number {
  const line = text.lastIndexOf("\n", end);
  if (line > start) return line + 1;
  const space = text.lastIndexOf(" ", end);
  return space > start ? space + 1 : end;
}
