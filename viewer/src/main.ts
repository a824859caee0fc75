// The page: `unveil view` gives it finished heads, `unveil serve` lets it send photographs.
import { readContent } from "./content";
import { element } from "./dom";
import { Gallery } from "./gallery";
import { Upload } from "./upload";
import type { Viewer } from "./viewer";

const content = readContent();
const app = document.getElementById("app")!;

async function start(): Promise<Viewer> {
  const gallery = new Gallery(content.identity ?? {});
  if (content.mode === "serve") {
    app.append(new Upload(gallery, content).element, gallery.element);
    document.body.classList.add("serving");
    return gallery.viewer;
  }
  app.append(gallery.element);
  document.title = `${content.heads.map((head) => head.name).join(", ")} - unveil`;
  await gallery.show(content.heads, undefined, content.beside ? 1 : -1);
  return gallery.viewer;
}

// For tests and for tools/view_sheets.py, which make pictures of heads.
declare global {
  interface Window {
    unveil: Promise<Viewer>;
  }
}
window.unveil = start();
window.unveil.catch((error: unknown) => {
  app.replaceChildren(element("p", { role: "alert", class: "error" }, String(error)));
});
