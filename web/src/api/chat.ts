// Chats with a model, in OpenAI's wire format: `/v1/chat/completions` as a stream, `/v1/models`.

import { Failure, json, sending } from "./http";
import { sentEvents } from "./sent_events";

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
}

/** `length`: the answer was ended by a limit of tokens. */
export type Ending = "stop" | "length";

type Part = { type: "text"; text: string } | { type: "image_url"; image_url: { url: string } };
export interface Message {
  role: "user" | "assistant";
  content: string | Part[];
}

export interface Asked {
  model: string;
  messages: Message[];
  temperature: number;
  /** The most tokens of the answer; null is the model's own limit. */
  maxTokens: number | null;
}

/** What comes of an answer, piece by piece. */
export type Piece = { text?: string; ending?: Ending; usage?: Usage };

interface Chunk {
  choices?: { delta: { content?: string | null }; finish_reason: Ending | null }[];
  usage?: Usage | null;
  error?: { code: string; message: string };
}

/** The names of the models that answer chats on this server. */
export async function answering(signal?: AbortSignal): Promise<string[]> {
  const cards = await json<{ data: { id: string }[] }>("/v1/models", signal ? { signal } : {});
  return cards.data.map((card) => card.id);
}

/** The user's first turn: the page, and a question about it. */
export function aboutImage(dataUri: string, question: string): Message {
  return {
    role: "user",
    content: [
      { type: "image_url", image_url: { url: dataUri } },
      { type: "text", text: question },
    ],
  };
}

/** Throws Failure, also where the answer breaks off, and an AbortError when `signal` says so: the model is then free again. */
export async function* ask(asked: Asked, signal: AbortSignal): AsyncGenerator<Piece> {
  const body = {
    model: asked.model,
    messages: asked.messages,
    temperature: asked.temperature,
    ...(asked.maxTokens ? { max_completion_tokens: asked.maxTokens } : {}),
    stream: true,
    stream_options: { include_usage: true },
  };
  try {
    for await (const { data } of sentEvents("/v1/chat/completions", { ...sending("POST", body), signal })) {
      if (data === "[DONE]") return;
      const { choices, usage, error } = JSON.parse(data) as Chunk;
      if (error) throw new Failure(error.code, "The answer broke off", error.message);
      const choice = choices?.[0];
      const piece: Piece = {};
      if (choice?.delta.content) piece.text = choice.delta.content;
      if (choice?.finish_reason) piece.ending = choice.finish_reason;
      if (usage) piece.usage = usage;
      yield piece;
    }
  } catch (error) {
    if (signal.aborted || error instanceof Failure) throw error;
    throw broken(String(error));
  }
  throw broken("The stream ended before its last event.");
}

function broken(detail: string): Failure {
  return new Failure("unreachable", "The answer broke off", detail);
}
