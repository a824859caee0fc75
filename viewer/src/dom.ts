// Elements of the page in one line each.

type Attributes = Record<string, string | boolean | undefined>;

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export function button(text: string, press: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const made = element("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", press);
  return made;
}

export interface Range {
  id: string;
  label: string;
  least: number;
  most: number;
  step: number;
  unit?: string;
  digits?: number;
}

/** A slider with its name and its number. `read` gives what it stands for, `write` takes what a person chose. */
export class Slider {
  readonly row: HTMLElement;
  private readonly input: HTMLInputElement;
  private readonly output: HTMLOutputElement;

  constructor(private readonly range: Range, private readonly read: () => number, write: (value: number) => void) {
    const { id, label, least, most, step } = range;
    this.input = element("input", { type: "range", id, min: `${least}`, max: `${most}`, step: `${step}` });
    this.output = element("output", { for: id });
    this.input.addEventListener("input", () => {
      write(Number(this.input.value));
      this.refresh();
    });
    this.row = element("div", { class: "slider" }, element("label", { for: id }, label), this.output, this.input);
    this.refresh();
  }

  /** Show what it stands for now. */
  refresh(): void {
    const value = this.read();
    const { unit = "", digits = 2, least, most } = this.range;
    const text = `${(value + 0).toFixed(digits)}${unit}`.replace(/^-(0(\.0*)?)(?=\D*$)/, "$1");
    this.input.value = `${Math.min(Math.max(value, least), most)}`;
    this.input.setAttribute("aria-valuetext", text);
    this.output.value = text;
  }
}

export function toggle(id: string, label: string, on: boolean, change: (on: boolean) => void): HTMLElement {
  const input = element("input", { type: "checkbox", id, checked: on });
  input.addEventListener("change", () => change(input.checked));
  return element("label", { class: "toggle", for: id }, input, label);
}

export interface Choice {
  value: string;
  label: string;
  missing?: string; // why it cannot be chosen
}

export function radios(
  name: string, legend: string, choices: Choice[], chosen: string, choose: (value: string) => void,
): HTMLFieldSetElement {
  const made = element("fieldset", { class: "radios" }, element("legend", {}, legend));
  for (const { value, label, missing } of choices) {
    const id = `${name}-${value}`;
    const input = element("input", {
      type: "radio", name, id, value, checked: value === chosen, disabled: missing !== undefined,
    });
    input.addEventListener("change", () => choose(value));
    made.append(element("label", { for: id, title: missing }, input, element("span", {}, label)));
  }
  return made;
}

export function section(title: string, open: boolean, ...children: (Node | string)[]): HTMLDetailsElement {
  return element("details", { open }, element("summary", {}, title), ...children);
}
