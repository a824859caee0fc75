// Hide part of the face on the photograph, to see how well the head holds.
import { button, element, Slider } from "./dom";
import { glasses, Hand, mask, path, type Points } from "./occluders";

const PAINT = "#7f9fae";
const STEP = 0.02; // of the view's width: how far an arrow key moves the hand
const AROUND = 2.4; // side of what is shown of the photograph, in heights of the landmarks

/** The photograph with what a person put on it, or null. `hand` is the address of a picture of one. */
export async function painted(address: string, width: number, face: Points, hand: string): Promise<Blob | null> {
  const image = element("img", { src: address, alt: "" });
  await image.decode();
  const painting = new Painting(image, face.map(([x, y]) => [x, y].map((p) => (p * image.naturalWidth) / width)) as Points);
  const dialog = element("dialog", { "aria-label": "Hide part of the face" },
    element("p", {}, "Paint over the face, or put something before it. A hand can be moved, by arrow keys too."));
  document.body.append(dialog);
  try {
    return await new Promise((resolve) => {
      const tools = element("div", { class: "buttons" },
        button("Mask", () => painting.draw(mask)),
        button("Dark glasses", () => painting.draw(glasses)),
        button("Hand", () => void painting.hold(hand)),
        button("Clear", () => painting.clear()));
      const done = button("Reconstruct", () => painting.whole().toBlob(resolve, "image/jpeg", 0.95), { class: "primary" });
      const ends = element("div", { class: "buttons" }, done, button("Cancel", () => resolve(null)));
      dialog.append(tools, painting.canvas, painting.slider.row, ends);
      dialog.addEventListener("cancel", () => resolve(null));
      dialog.showModal();
    });
  } finally {
    dialog.close(); // gives the focus back
    dialog.remove();
  }
}

/** The face and what is around it, with strokes on it, and a hand before both. */
class Painting {
  readonly canvas = element("canvas", { class: "paint", tabindex: "0", role: "application", "aria-label":
    "The photograph to paint on" });
  readonly slider: Slider;
  private readonly below = element("canvas"); // all of the photograph, but the hand
  private readonly view: { x: number; y: number; width: number; height: number }; // what is shown, in its pixels
  private hand?: Hand;
  private size: number;

  constructor(private readonly image: HTMLImageElement, private readonly face: Points) {
    [this.below.width, this.below.height] = [image.naturalWidth, image.naturalHeight];
    this.view = around(face, image.naturalWidth, image.naturalHeight);
    [this.canvas.width, this.canvas.height] = [this.view.width, this.view.height];
    this.size = Math.round(this.canvas.width / 14);
    const most = Math.round(this.canvas.width / 4);
    this.slider = new Slider({ id: "brush", label: "Brush", least: 4, most, step: 1, unit: " px", digits: 0 },
      () => this.size, (value) => (this.size = value));
    this.clear();
    this.listen();
  }

  clear(): void {
    this.hand = undefined;
    this.draw((brush) => brush.drawImage(this.image, 0, 0));
  }

  draw(what: (brush: CanvasRenderingContext2D, face: Points) => void): void {
    what(this.brush, this.face);
    this.refresh();
  }

  /** Put a hand before the mouth. */
  async hold(address: string): Promise<void> {
    this.hand = await Hand.over(this.brush, this.face, address);
    this.refresh();
    this.canvas.focus();
  }

  /** The whole photograph with all that is before it. */
  whole(): HTMLCanvasElement {
    const whole = element("canvas");
    [whole.width, whole.height] = [this.below.width, this.below.height];
    const brush = whole.getContext("2d")!;
    brush.drawImage(this.below, 0, 0);
    this.hand?.draw(brush);
    return whole;
  }

  private get brush(): CanvasRenderingContext2D {
    return this.below.getContext("2d", { willReadFrequently: true })!;
  }

  private refresh(): void {
    const brush = this.canvas.getContext("2d")!;
    brush.setTransform(1, 0, 0, 1, -this.view.x, -this.view.y);
    brush.drawImage(this.below, 0, 0);
    this.hand?.draw(brush);
  }

  private listen(): void {
    let last: [number, number] | null = null;
    let moved: Hand | undefined;
    const stroke = (event: PointerEvent) => {
      if (!last) return;
      const [now, before] = [this.place(event), last];
      if (moved) moved.place = [moved.place[0] + now[0] - before[0], moved.place[1] + now[1] - before[1]];
      this.draw((brush) => {
        if (moved) return;
        Object.assign(brush, { lineWidth: this.size, lineCap: "round", strokeStyle: PAINT });
        path(brush, [before, now]);
        brush.stroke();
      });
      last = now;
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      last = this.place(event);
      moved = this.hand?.has(last) ? this.hand : undefined;
      stroke(event);
    });
    this.canvas.addEventListener("pointermove", stroke);
    for (const end of ["pointerup", "pointercancel"] as const) this.canvas.addEventListener(end, () => (last = null));
    this.canvas.addEventListener("keydown", (event) => this.onKey(event));
  }

  private onKey(event: KeyboardEvent): void {
    const step = STEP * this.canvas.width;
    const way = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (!way || !this.hand) return;
    this.hand.place = [this.hand.place[0] + way[0]!, this.hand.place[1] + way[1]!];
    this.refresh();
    event.preventDefault();
  }

  private place(event: PointerEvent): [number, number] {
    const box = this.canvas.getBoundingClientRect();
    const { x, y, width, height } = this.view;
    return [x + ((event.clientX - box.left) / box.width) * width, y + ((event.clientY - box.top) / box.height) * height];
  }
}

/** The square around a face, as far as it is in a photograph of this size; whole pixels. */
function around(face: Points, width: number, height: number) {
  const [across, down] = [0, 1].map((axis) => face.map((point) => point[axis]!)) as [number[], number[]];
  const side = AROUND * (Math.max(...down) - Math.min(...down));
  const part = (points: number[], limit: number) => {
    const middle = (Math.max(...points) + Math.min(...points)) / 2;
    const start = Math.round(Math.min(Math.max(middle - side / 2, 0), limit - 1));
    return [start, Math.max(Math.round(Math.min(middle + side / 2, limit)) - start, 1)] as const;
  };
  const [[x, wide], [y, high]] = [part(across, width), part(down, height)];
  return { x, y, width: wide, height: high };
}
