// One head on its stage with its panel, its facts and its downloads.
import { bytesOf, type Facts, type HeadContent, type Identity } from "./content";
import { button, element, Slider } from "./dom";
import { NAMED } from "./expressions";
import { Frame } from "./frame";
import { Head } from "./head";
import { Motion } from "./motion";
import { Panel } from "./panel";
import { type Stage, VIEWS } from "./stage";
import type { Surface } from "./surfaces";
import { ENDING, turntable } from "./turntable";

const LABELS: Record<string, string> = { // of files, the most useful first
  glb: "GLB", obj: "OBJ", obj_zip: "OBJ (ZIP)", mtl: "MTL", texture: "Texture", hair_texture: "Hair texture", ply: "PLY", npz: "NPZ", json: "JSON",
};
const IN_ZIP = ["obj", "mtl", "texture", "hair_texture"];
const PLAY = "Play the motion";
const KINDS = Object.keys(LABELS);

/** A picture to be made: what is left out is as the page opens it. */
export interface Shot {
  view?: string | [number, number];
  expression?: string; // one of NAMED
  units?: Record<string, number>; // those that are not named are at rest; without both: as photographed
  turns?: Record<string, number>; // degrees
  surface?: Surface;
  wireframe?: boolean;
  hair?: boolean;
  width: number;
  height: number;
  background?: string;
}

export class Viewer {
  readonly element: HTMLElement;
  readonly frame = new Frame();
  head?: Head;
  panel?: Panel;
  readonly frames = element("div", { class: "frames" });
  private readonly side = element("aside", { "aria-label": "Controls" });
  private readonly about = element("div", { class: "about" });
  private readonly overButton = button("Over the photograph", () => this.over(!this.frame.isOver));
  private motion?: Motion;
  private readonly playButton = button(PLAY, () => this.play(!this.motion!.isOn));
  private readonly opacity = element("div", { class: "opacity" });
  private readonly said = element("p", { class: "visually-hidden", "aria-live": "polite" });

  constructor(private readonly identities: Record<string, Identity> = {}) {
    const views = element("div", { class: "views", role: "group", "aria-label": "View" });
    for (const name of Object.keys(VIEWS)) views.append(button(name, () => this.turn(name)));
    views.append(this.overButton, this.playButton);
    this.frames.append(this.frame.element);
    const main = element("main", {}, this.frames, views, this.about, this.said);
    this.element = element("div", { class: "viewer" }, main, this.side);
    const canvas = this.stage.canvas;
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-roledescription", "3D head");
    canvas.setAttribute("aria-describedby", "keys");
    this.frame.element.append(this.opacity, element("p", { id: "keys", class: "visually-hidden" }, "Arrow keys turn the head, + and - zoom, " +
      "Home looks from the front."));
    canvas.addEventListener("turned", () => this.say());
    canvas.addEventListener("over", () => this.sayOver());
    this.stage.controls.addEventListener("end", () => this.say());
  }

  get stage(): Stage {
    return this.frame.stage;
  }

  async show(content: HeadContent): Promise<void> {
    const bytes = await bytesOf(content.glb);
    this.play(false);
    this.head = await Head.load(content, bytes, this.identities); // without a twin
    this.frame.show(this.head, content);
    this.overButton.hidden = !this.frame.placed;
    const panel = new Panel(this.head, this.stage);
    this.panel = panel;
    const { clip } = this.head;
    this.motion = clip && new Motion(this.head, clip, () => panel.refresh());
    this.playButton.hidden = !clip;
    this.stage.canvas.setAttribute("aria-label", `Head ${content.name}`);
    const glb = content.files.glb ?? URL.createObjectURL(new Blob([bytes], { type: "model/gltf-binary" }));
    this.side.replaceChildren(this.panel.element, this.downloads(content.name, { ...content.files, glb }));
    const title = element("div", { class: "titled" }, element("h1", {}, content.name), link(content.name, "glb", glb, "Download the head"));
    this.about.replaceChildren(title, ...factsOf(content.facts));
    this.say();
  }

  /** Put the head over its photograph, or take it away from there. */
  over(on: boolean): void {
    this.frame.over(on);
    this.say();
  }

  /** Let the head do what its file says, or leave it as it was before. */
  private play(on: boolean): void {
    if (on) this.motion?.play();
    else this.motion?.stop();
    this.playButton.textContent = on ? "Stop the motion" : PLAY;
  }

  look(view: string | [number, number]): void {
    this.stage.look(view);
    this.say();
  }

  private turn(view: string): void {
    this.stage.turn(view);
    this.said.textContent = `${view.toLowerCase()} view`;
  }

  /** A PNG in a data address, for tools that make pictures of heads. */
  shoot(shot: Shot): string {
    const head = this.head!;
    head.setUnits(shot.units ?? NAMED[shot.expression ?? ""] ?? head.photographed);
    for (const turn of head.turns) head.setTurn(turn, shot.turns?.[turn] ?? 0);
    const { surface = "texture", wireframe = false, hair = true } = shot;
    this.panel!.show({ surface, wireframe, hair });
    this.stage.camera.aspect = shot.width / shot.height;
    this.stage.look(shot.view ?? "Front");
    return this.stage.picture(shot.width, shot.height, shot.background);
  }

  private sayOver(): void {
    const { isOver } = this.frame;
    this.overButton.setAttribute("aria-pressed", `${isOver}`);
    // Under the photograph's own light the head and what is around it go together.
    const [from, to] = isOver ? (["texture", "lit"] as const) : (["lit", "texture"] as const);
    if (this.panel?.surface === from && this.head!.can("lit")) this.panel.choose(to);
    let opacity = 1;
    const range = { id: "opacity", label: "Opacity", least: 0, most: 100, step: 1, digits: 0, unit: " %" };
    const slider = new Slider(range, () => 100 * opacity, (percent) => this.frame.fade((opacity = percent / 100)));
    this.opacity.replaceChildren(...(isOver ? [slider.row] : []));
  }

  private say(): void {
    this.said.textContent = this.stage.describe();
  }

  private turntable(name: string): HTMLElement {
    const label = `Turntable (${ENDING.toUpperCase()})`;
    const made = button(label, async () => {
      made.disabled = true;
      made.textContent = "Recording";
      try {
        const address = URL.createObjectURL(await turntable(this.stage));
        element("a", { href: address, download: `${name}.${ENDING}` }).click();
        setTimeout(() => URL.revokeObjectURL(address), 60_000);
      } finally {
        made.disabled = false;
        made.textContent = label;
      }
    });
    return made;
  }

  private downloads(name: string, known: Record<string, string>): HTMLElement {
    const files = Object.entries(known).filter(([kind]) => !("obj_zip" in known && IN_ZIP.includes(kind)))
      .sort(([a], [b]) => KINDS.indexOf(a) - KINDS.indexOf(b));
    const links = files.map(([kind, address]) => link(name, kind, address, LABELS[kind] ?? kind.toUpperCase()));
    const picture = button("Picture (PNG)", () => {
      const { clientWidth, clientHeight } = this.stage.canvas;
      const address = this.stage.picture(clientWidth * 2, clientHeight * 2);
      element("a", { href: address, download: `${name}.png` }).click();
    });
    const row = element("div", { class: "buttons" }, ...links, picture, this.turntable(name));
    const note = element("p", { class: "legend" }, "The GLB opens in Blender, Unity, Unreal and on web pages, and its face can be moved. ",
      "OBJ and PLY are the head as photographed.");
    return element("section", {}, element("h2", {}, "Download"), row, ...("obj_zip" in known ? [note] : []));
  }
}

function link(name: string, kind: string, address: string, text: string): HTMLElement {
  const download = address.startsWith("blob:") ? `${name}.${kind}` : "";
  return element("a", { href: address, download, class: kind === "glb" ? "button primary" : "button" }, text);
}

/** What is known of a face, in sentences. */
function factsOf(facts: Facts): HTMLElement[] {
  const lines: string[] = [];
  if (facts.doubtful) lines.push("This may be no face");
  const { hidden_share: unseen, occluded_share: occluded } = facts;
  if (typeof unseen === "number" && typeof occluded === "number") {
    lines.push(`${percent(occluded)} of the face occluded, ${percent(unseen - occluded)} turned away`);
  }
  const { seen = null, hidden = null } = facts.uncertainty_mm ?? {};
  if (seen !== null) lines.push(`± ${seen.toFixed(1)} mm where seen${hidden === null ? "" : `, ± ${
    hidden.toFixed(1)} mm where hidden`}`);
  if (facts.pose_degrees) lines.push(poseOf(facts.pose_degrees));
  return lines.length ? [element("ul", { class: "facts" }, ...lines.map((line) => element("li", {}, line)))] : [];
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Where a head looks in its photograph, in words. */
function poseOf({ pitch, yaw, roll }: NonNullable<Facts["pose_degrees"]>): string {
  const turned = [
    [pitch, "looks down", "looks up"],
    [yaw, "turned to their left", "turned to their right"],
    [roll, "tilted to their right shoulder", "tilted to their left shoulder"],
  ] as const;
  const words = turned.filter(([angle]) => Math.abs(angle) >= 0.5).map(([angle, more, less]) => {
    return `${angle > 0 ? more : less} by ${Math.abs(Math.round(angle))}°`;
  });
  const text = words.join(", ") || "looks straight ahead";
  return text.charAt(0).toUpperCase() + text.slice(1);
}
