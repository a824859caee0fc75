// The page: `unveil view` gives it finished heads.
import { readContent } from "./content";
import { button, element } from "./dom";
import { Viewer } from "./viewer";

const content = readContent();
const app = document.getElementById("app")!;

async function view(): Promise<Viewer> {
  const viewer = new Viewer();
  const tabs = element("nav", { "aria-label": "Heads" });
  const choose = async (number: number) => {
    [...tabs.children].forEach((tab, k) => tab.setAttribute("aria-current", `${k === number}`));
    await viewer.show(content.heads[number]!);
  };
  content.heads.forEach((head, k) => tabs.append(button(head.name, () => void choose(k))));
  if (content.heads.length > 1) app.append(tabs);
  app.append(viewer.element);
  document.title = `${content.heads.map((head) => head.name).join(", ")} - unveil`;
  await choose(0);
  return viewer;
}

// For tests and for tools/view_sheets.py, which make pictures of heads.
declare global {
  interface Window {
    unveil: Promise<Viewer>;
  }
}
window.unveil = view();
window.unveil.catch((error: unknown) => {
  app.replaceChildren(element("p", { role: "alert", class: "error" }, String(error)));
});
