// What is said where no model answers questions.

import { models } from "../api/service";
import { sentences } from "../i18n";

const say = sentences({
  en: {
    title: "No model here answers questions",
    why: "The models on this server read text from pages. A conversation takes one that also understands what it is asked.",
    those: "These do, once they are in the image or their weights are fetched:",
    how: "Whoever runs this service adds one:",
    gpu: "It wants a GPU.",
    models: "See all models",
  },
  ru: {
    title: "Здесь нет модели, которая отвечает на вопросы",
    why: "Модели на этом сервере читают текст со страниц. Для беседы нужна такая, которая понимает и сам вопрос.",
    those: "Это умеют следующие модели, если они есть в образе или загружены их веса:",
    how: "Добавить её может тот, кто отвечает за сервис:",
    gpu: "Понадобится GPU.",
    models: "Посмотреть все модели",
  },
});

const USUAL = [
  { title: "DeepSeek-OCR-2 3B", name: "deepseek-ocr2" },
  { title: "GLM-OCR 0.9B", name: "glm-ocr" },
];

export function Nobody() {
  const known = models.value?.models.filter((model) => model.engine === "vlm") ?? [];
  const those = known.length ? known : USUAL; // a server that is set to other models does not list them
  const first = those.find((model) => model.name === USUAL[0]?.name) ?? those[0];
  return (
    <section class="card nobody">
      <h2>{say().title}</h2>
      <p>{say().why}</p>
      <p>{say().those}</p>
      <ul>
        {those.map((model) => (
          <li key={model.name}>
            {model.title} <code>{model.name}</code>
          </li>
        ))}
      </ul>
      <p>
        {say().how} <code>make prefetch MODELS="{first?.name}"</code>. {say().gpu}
      </p>
      <p>
        <a href="#/models">{say().models}</a>
      </p>
    </section>
  );
}
