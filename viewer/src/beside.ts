// A second head beside the first: turned together, doing the same, and how far apart the two are.
import { BufferAttribute, type Mesh } from "three";
import { bytesOf, type HeadContent, type Identity } from "./content";
import { element } from "./dom";
import { Frame } from "./frame";
import { Head } from "./head";
import type { Stage } from "./stage";
import type { Viewer } from "./viewer";

const HIDDEN = 0.5; // probability from which a vertex counts as hidden

export class Beside {
  private frame?: Frame;
  private readonly caption = element("p", { class: "caption", role: "status" });

  constructor(private readonly viewer: Viewer, private readonly identities: Record<string, Identity>) {}

  async show(content: HeadContent): Promise<void> {
    const first = this.viewer.head!;
    const second = await Head.load(content, await bytesOf(content.glb), this.identities);
    this.frame ??= this.made();
    this.viewer.frames.append(this.frame.element);
    this.viewer.frames.classList.add("two");
    this.frame.stage.canvas.setAttribute("aria-label", `Head ${content.name}, beside`);
    this.frame.show(second, content);
    first.twin = second;
    this.viewer.frame.pair(this.frame);
    this.viewer.panel!.show();
    this.viewer.panel!.reset();
    this.viewer.look("Front");
    this.frame.stage.seeFrom(this.viewer.stage); // which tells of changes alone
    const apart = distances(first, second);
    const mean = apart && meanSeen(apart, first);
    const between = mean === null ? "" : `: ${mean.toFixed(1)} mm apart on average, where the first was seen`;
    this.caption.textContent = `${content.name}${between}`;
    if (apart) second.skin!.geometry.setAttribute("_apart", new BufferAttribute(apart, 1));
    this.viewer.panel!.compare(apart !== null);
  }

  hide(): void {
    if (this.viewer.head) this.viewer.head.twin = undefined;
    this.viewer.frame.pair(undefined);
    this.viewer.frames.classList.remove("two");
    this.frame?.element.remove();
    this.viewer.panel?.compare(false);
  }

  private made(): Frame {
    const frame = new Frame();
    frame.stage.follows = true;
    frame.element.append(this.caption);
    frame.stage.canvas.setAttribute("role", "img");
    turnTogether(this.viewer.stage, frame.stage);
    return frame;
  }
}

/** How far the vertices of the second skin are from those of the first, at rest, in mm; null where they are not the same. */
function distances(first: Head, second: Head): Float32Array | null {
  const [a, b] = [rest(first.skin), rest(second.skin)];
  if (!a || !b || a.count !== b.count || first.model !== second.model) return null;
  return Float32Array.from({ length: a.count }, (_, k) => {
    return 1000 * Math.hypot(a.getX(k) - b.getX(k), a.getY(k) - b.getY(k), a.getZ(k) - b.getZ(k));
  });
}

/** The mean where a head was seen; null where it was nowhere. */
function meanSeen(distances: Float32Array, { skin }: Head): number | null {
  const hidden = skin!.geometry.getAttribute("_hidden");
  const seen = distances.filter((_, k) => !hidden || hidden.getX(k) <= HIDDEN);
  return seen.length ? seen.reduce((sum, one) => sum + one, 0) / seen.length : null;
}

function rest(mesh: Mesh | undefined) {
  return mesh?.geometry.getAttribute("position");
}

function turnTogether(first: Stage, second: Stage): void {
  let turning = false;
  const follow = (from: Stage, to: Stage) => () => {
    if (turning) return;
    turning = true;
    to.seeFrom(from);
    turning = false;
  };
  first.controls.addEventListener("change", follow(first, second));
  second.controls.addEventListener("change", follow(second, first));
}
