// What can be changed on a head: how it looks, what its face does, where it turns.
import { button, element, radios, section, Slider, toggle } from "./dom";
import { Glide } from "./glide";
import { areNamed, grouped, NAMED, spoken } from "./expressions";
import { type Head, TURNS } from "./head";
import { MOST_DEVIATIONS, MOST_STRENGTH } from "./identity";
import type { Stage } from "./stage";
import { HIDDEN_CSS, MOST_APART_MM, MOST_MM, SCALE, SEEN_CSS, type Surface } from "./surfaces";

const SURFACES: [Surface, string][] = [
  ["texture", "Texture"],
  ["lit", "Photo's light"],
  ["albedo", "Albedo"],
  ["grey", "Grey"],
  ["sure", "How sure"],
  ["hidden", "What was hidden"],
  ["apart", "How far apart"],
];
const UNSAID = "This file does not say it.";
const STATISTICAL = 3; // units of a statistical basis to either side

export class Panel {
  readonly element = element("div", { class: "panel" });
  private readonly sliders: Slider[] = [];
  private readonly shown = { surface: "texture" as Surface, wireframe: false, hair: true, wrinkles: true };
  private readonly glide = new Glide(250);
  private readonly legend = element("div", { class: "legend", "aria-live": "polite" });

  constructor(private readonly head: Head, private readonly stage: Stage) {
    this.element.append(this.look(), ...this.expressions(), ...this.pose(), ...this.identity());
    this.compare(false);
  }

  /** Offer how far apart two heads are, or no longer. */
  compare(on: boolean): void {
    this.element.querySelector<HTMLElement>("label[for=surface-apart]")!.hidden = !on;
    if (!on && this.surface === "apart") this.choose("texture");
  }

  /** Change how the head looks, and one that was put beside it. */
  show(change: Partial<typeof this.shown> = {}): void {
    const { surface, wireframe, hair, wrinkles } = Object.assign(this.shown, change);
    this.head.show(surface);
    this.head.setWireframe(wireframe);
    this.head.setHair(hair);
    this.head.setWrinkles(wrinkles);
    this.stage.light(surface);
    this.legend.replaceChildren(...legendOf(surface));
  }

  /** Choose a surface, as if a person had done so. */
  choose(surface: Surface): void {
    this.element.querySelector<HTMLInputElement>(`#surface-${surface}`)!.checked = true;
    this.show({ surface });
  }

  get surface(): Surface {
    return this.shown.surface;
  }

  /** Everything as it was in the file. */
  reset(): void {
    this.glide.stop();
    this.head.setUnits(this.head.photographed);
    for (const turn of this.head.turns) this.head.setTurn(turn, 0);
    this.head.shape?.reset();
    this.refresh();
  }

  /** Let the face go to an expression. */
  private make(weights: Record<string, number>): void {
    const { head } = this;
    const before = Object.fromEntries(head.units.map((unit) => [unit, head.unit(unit)]));
    this.glide.go((share) => {
      for (const unit of head.units) head.setUnit(unit, before[unit]! + share * ((weights[unit] ?? 0) - before[unit]!));
      this.refresh();
    });
  }

  refresh(): void {
    for (const slider of this.sliders) slider.refresh();
    this.stage.draw();
  }

  private look(): HTMLElement {
    const choices = SURFACES.map(([value, label]) => {
      return { value, label, missing: value === "apart" || this.head.can(value) ? undefined : UNSAID };
    });
    const surfaces = radios("surface", "Surface", choices, "texture", (value) => this.show({ surface: value as Surface }));
    const switches = element("div", { class: "switches" }, toggle("wireframe", "Wireframe", false, (wireframe) => {
      this.show({ wireframe });
    }));
    if (this.head.hair) {
      switches.append(toggle("hair", "Hair", true, (hair) => this.show({ hair })));
    }
    if (this.head.wrinkled) {
      switches.append(toggle("wrinkles", "Wrinkles", true, (wrinkles) => this.show({ wrinkles })));
    }
    return element("section", { "aria-label": "Look" }, surfaces, this.legend, switches);
  }

  private expressions(): HTMLElement[] {
    if (this.head.units.length === 0) return []; // as of the dense mesh of wrinkles
    const buttons = element("div", { class: "buttons" }, button("As photographed", () => this.reset()));
    if (areNamed(this.head.units)) {
      for (const [name, weights] of Object.entries(NAMED)) {
        buttons.append(button(name, () => this.make(weights)));
      }
    }
    const units = element("div", { class: "units" }, ...this.units());
    return [element("section", {}, element("h2", {}, "Expression"), buttons, units)];
  }

  private units(): HTMLElement[] {
    const least = areNamed(this.head.units) ? 0 : -STATISTICAL;
    const most = areNamed(this.head.units) ? 1 : STATISTICAL;
    return grouped(this.head.units).map(([title, names]) => {
      const sliders = names.map((name) => {
        const range = { id: `unit-${name}`, label: spoken(name), least, most, step: 0.01 };
        const write = (weight: number) => {
          this.glide.stop();
          this.head.setUnit(name, weight);
        };
        return this.slider(new Slider(range, () => this.head.unit(name), write));
      });
      return section(title, false, ...sliders);
    });
  }

  private pose(): HTMLElement[] {
    if (this.head.turns.length === 0) return [];
    const sliders = this.head.turns.map((name) => {
      const { title, most } = TURNS[name]!;
      const least = name === "jaw" ? 0 : -most;
      const range = { id: `turn-${name}`, label: title, least, most, step: 1, unit: "°", digits: 0 };
      return this.slider(new Slider(range, () => this.head.turn(name), (angle) => this.head.setTurn(name, angle)));
    });
    const rest = () => {
      for (const turn of this.head.turns) this.head.setTurn(turn, 0);
      this.refresh();
    };
    return [element("section", {}, titled("Pose", "Reset the pose", rest), section("Neck, gaze, jaw", false, ...sliders))];
  }

  private identity(): HTMLElement[] {
    const { shape } = this.head;
    if (!shape) return [];
    const whole = { id: "strength", label: "strength: 0 mean head, 1 measured, 1.5 caricature", least: 0, most: MOST_STRENGTH, step: 0.01 };
    const strength = new Slider(whole, () => shape.strength, (value) => {
      shape.strength = value;
      shape.apply();
    });
    const components = shape.values.map((_, k) => {
      const range = { least: -MOST_DEVIATIONS, most: MOST_DEVIATIONS, step: 0.05, digits: 1, unit: " sd" };
      return new Slider({ id: `shape-${k}`, label: `component ${k + 1}`, ...range }, () => shape.values[k]!, (value) => {
        shape.values[k] = value;
        shape.apply();
      });
    });
    const rows = [strength, ...components].map((slider) => this.slider(slider));
    const measured = () => {
      shape.reset();
      this.refresh();
    };
    return [element("section", {}, titled("Identity", "Reset the identity", measured), section("Shape", false, ...rows))];
  }

  private slider(slider: Slider): HTMLElement {
    this.sliders.push(slider);
    slider.row.addEventListener("input", () => this.stage.draw());
    return slider.row;
  }
}

/** A heading with a button that puts back what is below it. */
function titled(title: string, label: string, reset: () => void): HTMLElement {
  return element("div", { class: "titled" }, element("h2", {}, title), button("Reset", reset, { "aria-label": label }));
}

function legendOf(surface: Surface): Node[] {
  if (surface === "lit") return [element("p", {}, "In the light of the photograph, none of the page's.")];
  if (surface === "albedo") return [element("p", {}, "The colours alone, without any light.")];
  if (surface === "sure") {
    return [element("p", {}, "How far each place may be off, by the model's own estimate."), ...millimetres(MOST_MM)];
  }
  if (surface === "apart") {
    return [element("p", {}, "How far each place of the second head is from the first, in form alone: expressions do not count."),
      ...millimetres(MOST_APART_MM)];
  }
  if (surface === "hidden") {
    return [element("p", {}, swatch(SEEN_CSS), " seen in the photograph ", swatch(HIDDEN_CSS), " occluded or turned away")];
  }
  return [];
}

/** The scale, from 0 to the most that it tells apart. */
function millimetres(most: number): Node[] {
  const bar = painted("div", "bar", `linear-gradient(to right, ${SCALE.join(",")})`);
  const marks = [0, 1, 2, 3].map((quarter) => element("span", {}, `${(quarter * most) / 4}`));
  return [bar, element("div", { class: "marks" }, ...marks, element("span", {}, `${most}+ mm`))];
}

function swatch(colour: string): HTMLElement {
  return painted("span", "swatch", colour);
}

/** Painted by script: a style in an attribute is nothing that the page's policy lets in. */
function painted(tag: "div" | "span", name: string, background: string): HTMLElement {
  const made = element(tag, { class: name, "aria-hidden": "true" });
  made.style.background = background;
  return made;
}
