// Several heads, of which one is shown: chosen by name, or on the photograph that they are in.
import { Beside } from "./beside";
import type { HeadContent, Identity } from "./content";
import { button, element } from "./dom";
import { Viewer } from "./viewer";

export interface Box {
  left: number; // shares of the photograph's width and height
  top: number;
  width: number;
  height: number;
}

export interface Photograph {
  address: string;
  boxes: Box[]; // of the faces, in the order of the heads
}

export class Gallery {
  readonly viewer: Viewer;
  readonly element: HTMLElement;
  chosen = 0;
  private readonly beside: Beside;
  private choices: HTMLElement[] = [];
  private readonly problem = element("p", { role: "alert", class: "error" });

  constructor(identities: Record<string, Identity>) {
    this.viewer = new Viewer(identities);
    this.beside = new Beside(this.viewer, identities);
    this.element = element("div", { class: "gallery" }, this.viewer.element);
  }

  /** Show the first of some heads, and another beside it where its number is given; `earlier` ones can be put there, too. */
  async show(heads: HeadContent[], photograph?: Photograph, beside = -1, earlier: HeadContent[] = []): Promise<void> {
    this.element.replaceChildren(this.viewer.element);
    const second = this.select([...heads, ...earlier]);
    const choose = async (number: number) => {
      this.chosen = number;
      this.beside.hide();
      second.value = "";
      this.choices.forEach((choice, k) => choice.setAttribute("aria-current", `${k === number}`));
      await this.viewer.show(heads[number]!);
    };
    const several = heads.length > 1;
    const press = (number: number) => () => void this.trying(() => choose(number));
    const boxes = several ? photograph?.boxes : undefined;
    this.choices = boxes?.map((box, k) => faceButton(box, k, press(k)))
      ?? (several ? heads.map((head, k) => button(head.name, press(k))) : []);
    if (several || earlier.length) {
      const nav = element("nav", { "aria-label": "Heads" });
      const alt = "The photograph, with a button on each face";
      if (boxes) nav.append(element("div", { class: "faces" }, element("img", { src: photograph!.address, alt }), ...this.choices));
      else if (several) nav.append(element("div", { class: "buttons" }, ...this.choices));
      nav.append(element("div", { class: "buttons" }, element("label", { for: "beside" }, "Compare with"), second));
      this.element.prepend(nav);
    }
    await choose(0);
    if (beside < 0) return;
    second.value = `${beside}`;
    await this.beside.show(heads[beside]!);
  }

  private select(heads: HeadContent[]): HTMLSelectElement {
    const options = heads.map((head, k) => element("option", { value: `${k}` }, head.name));
    const made = element("select", { id: "beside" }, element("option", { value: "" }, "nothing"), ...options);
    made.addEventListener("change", () => {
      if (made.value) void this.trying(() => this.beside.show(heads[Number(made.value)]!));
      else this.beside.hide();
    });
    return made;
  }

  /** Do what may fail, as where the server has deleted a head, and say so. */
  private async trying(what: () => Promise<void>): Promise<void> {
    this.problem.remove();
    try {
      await what();
    } catch (error) {
      this.problem.textContent = (error as Error).message;
      this.element.prepend(this.problem);
    }
  }
}

function faceButton(box: Box, number: number, press: () => void): HTMLElement {
  const percent = (share: number) => `${(share * 100).toFixed(2)}%`;
  const made = button("", press, { class: "face", "aria-label": `Face ${number + 1} on the photograph` });
  made.append(element("span", { "aria-hidden": "true" }, `${number + 1}`));
  made.style.cssText = `left:${percent(box.left)};top:${percent(box.top)};` +
    `width:${percent(box.width)};height:${percent(box.height)}`;
  return made;
}
